"""Several steps in a call, in epochs of another number of steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.callbacks import PartialExecution, Progress, StopOnNonFinite, without_length
from kerasseg.errors import KerassegError
from kerasseg.optimizers import with_multipliers
from tests.replicas import two_replicas

STEPS, EPOCHS = 5, 3


class Calls(keras.callbacks.Callback):
    """Notes the number of steps taken after each call of the compiled function."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(int(self.model.optimizer.iterations))
        self.logs = dict(logs)


def batches(first=0, poisoned=None):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2 * STEPS * EPOCHS, 3)).astype("float32")
    y = generator.normal(size=(2 * STEPS * EPOCHS, 1)).astype("float32")
    if poisoned is not None:
        y[2 * poisoned] = np.nan
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(2, drop_remainder=True)
    known = data.skip(first * STEPS)
    return known, tf.data.Dataset.from_tensor_slices((x[:8], y[:8])).batch(2)


def fit(per_execution, *callbacks, first=0, epochs=EPOCHS, weights=None, poisoned=None):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile(
        with_multipliers(keras.optimizers.SGD)(0.1), "mse", steps_per_execution=per_execution
    )
    if weights is not None:
        model.set_weights(weights)
    train, validation = batches(first, poisoned)
    model.fit(
        without_length(train),
        validation_data=validation,
        initial_epoch=first,
        epochs=epochs,
        steps_per_epoch=STEPS,
        shuffle=False,
        callbacks=[PartialExecution(STEPS), *callbacks],
        verbose=0,
    )
    return model


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("per_execution", [2, 3, 8])
def test_every_epoch_has_its_steps_and_no_more(per_execution):
    calls, expected = Calls(), fit(1)
    model = fit(per_execution, calls)
    ends = [min(end, STEPS) for end in range(per_execution, STEPS + per_execution, per_execution)]
    assert calls.seen == [epoch * STEPS + end for epoch in range(EPOCHS) for end in ends]
    assert equal(model.get_weights(), expected.get_weights())
    for key in ("loss", "val_loss"):
        assert model.history.history[key] == pytest.approx(expected.history.history[key], rel=1e-6)


def test_a_run_that_goes_on_at_an_epoch_ends_with_the_same_weights():
    first = fit(3, epochs=1)
    second = fit(3, first=1, weights=first.get_weights())
    assert equal(second.get_weights(), fit(1).get_weights())


@pytest.mark.slow
def test_two_replicas():
    one = fit(1)
    with two_replicas().scope():
        two = fit(3)
    assert two.optimizer.iterations.numpy() == STEPS * EPOCHS
    for expected, found in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_the_progress_counts_steps():
    progress, calls = Progress(2, STEPS, EPOCHS), Calls()
    fit(3, progress, calls)
    assert calls.logs["minutes_left"] == 0
    assert progress._steps_here == STEPS * EPOCHS


@pytest.mark.parametrize(
    ("poisoned", "place"),
    [(1, r"epoch 1, one of the steps 1\.\.3"), (STEPS + 4, r"epoch 2, one of the steps 4\.\.5")],
)
def test_a_loss_that_is_no_number_is_found_with_the_steps_of_its_call(poisoned, place):
    with pytest.raises(KerassegError, match=f"became nan in {place}. Lower"):
        fit(3, StopOnNonFinite(), poisoned=poisoned)
