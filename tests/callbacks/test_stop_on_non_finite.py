import keras
import numpy as np
import pytest

from kerasseg.callbacks import StopOnNonFinite
from kerasseg.errors import KerassegError


@pytest.fixture
def callback():
    callback = StopOnNonFinite()
    callback.on_epoch_begin(3)
    return callback


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf")])
def test_names_epoch_and_step(callback, loss):
    with pytest.raises(KerassegError, match=r"the loss became .* in epoch 4, step 8. Lower opt"):
        callback.on_train_batch_end(7, {"loss": loss})


def test_looks_at_the_validation_too(callback):
    with pytest.raises(KerassegError, match=r"became nan in epoch 4, in validation"):
        callback.on_test_end({"loss": float("nan")})


def test_a_finite_loss_passes(callback):
    callback.on_train_batch_end(7, {"loss": 1e30})
    callback.on_test_end({"loss": 0.0})
    callback.on_test_end(None)


def test_ends_a_fit(callback):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1e30), "mse", run_eagerly=True)
    x = np.ones((8, 1))
    with pytest.raises(KerassegError, match=r"in epoch 1, step [2-8]"):
        model.fit(x, x, batch_size=1, epochs=2, callbacks=[callback], verbose=0)


def test_names_the_images_of_the_step():
    callback = StopOnNonFinite(lambda epoch, steps: [f"{epoch}-{step}.jpg" for step in steps])
    callback.on_epoch_begin(3)
    callback.on_train_batch_begin(4)
    with pytest.raises(KerassegError, match=r"one of the steps 5..6.*\n.*: 3-4.jpg, 3-5.jpg\."):
        callback.on_train_batch_end(5, {"loss": float("nan")})


def test_names_no_more_than_can_be_read():
    callback = StopOnNonFinite(lambda epoch, steps: [f"{number}.jpg" for number in range(20)])
    callback.on_epoch_begin(0)
    with pytest.raises(KerassegError, match=r"14.jpg, 15.jpg and 4 more\."):
        callback.on_train_batch_end(0, {"loss": float("nan")})
