import json

import keras
import numpy as np
import pytest

from kerasseg.callbacks import EarlyStop


class Fitted:
    """What Keras shows a callback of a model that `fit` trains."""

    stop_training = False


def stop_after(patience):
    callback = EarlyStop(patience)
    callback.set_model(Fitted())
    return callback


def show(callback, *scores):
    """Ends a validation with each score and returns whether `fit` is to end after it."""
    ends = []
    for score in scores:
        callback.on_test_end({"mean_iou": score, "loss": 1.0})
        ends.append(callback.model.stop_training)
    return ends


def test_it_stops_after_as_many_validations_without_a_better_score():
    assert show(stop_after(2), 0.1, 0.2, 0.2, 0.1) == [False, False, False, True]


def test_a_better_score_is_waited_for_anew():
    assert show(stop_after(2), 0.5, 0.4, 0.6, 0.5, 0.6) == [False] * 4 + [True]


@pytest.mark.parametrize("moment", range(4))
def test_a_resumed_run_goes_on_from_its_state(moment):
    scores = (0.5, 0.6, 0.4, 0.6)
    whole, first, second = stop_after(2), stop_after(2), stop_after(2)
    ends = show(whole, *scores)
    show(first, *scores[:moment])
    second.restore(json.loads(json.dumps(first.state())))
    assert show(second, *scores[moment:]) == ends[moment:]
    assert second.state() == whole.state() == {"best": 0.6, "wait": 2}


def test_a_run_that_had_stopped_is_known_as_such():
    first, second = stop_after(1), stop_after(1)
    show(first, 0.5, 0.5)
    assert not second.stopped
    second.restore(first.state())
    assert second.stopped


def test_fit_ends_with_the_epoch_of_the_validation():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    error = keras.metrics.MeanSquaredError("mean_iou")
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=[error], run_eagerly=True)
    x, y = np.ones((4, 3)), np.ones((4, 1))
    history = model.fit(
        x,
        y,
        validation_data=(x, y),
        validation_freq=2,
        epochs=20,
        callbacks=[EarlyStop(2)],
        verbose=0,
    )
    assert history.epoch == [0, 1, 2, 3, 4, 5]
