import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.callbacks import EpochCheckpoint, LearningRateLog
from kerasseg.optimizers import LossScaling
from kerasseg.schedules import PolySchedule


def fit(optimizer, *callbacks):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile(optimizer, "mse", run_eagerly=True)
    model.fit(np.ones((4, 3)), np.ones((4, 1)), 2, 3, callbacks=list(callbacks), verbose=0)
    return model.history.history["learning_rate"]


@pytest.mark.parametrize("wrap", [lambda inner: inner, LossScaling])
def test_the_rate_is_that_of_the_next_step(wrap):
    rates = fit(wrap(keras.optimizers.SGD(PolySchedule(1.0, 8, power=1.0))), LearningRateLog())
    assert rates == pytest.approx([1 - 2 / 8, 1 - 4 / 8, 1 - 6 / 8])


def test_tensorboard_and_the_history_show_the_same(tmp_path):
    board = keras.callbacks.TensorBoard(tmp_path / "tensorboard", write_graph=False)
    checkpoint = EpochCheckpoint(tmp_path / "checkpoint", tmp_path / "history.csv")
    schedule = PolySchedule(1.0, 8, power=1.0)
    rates = fit(keras.optimizers.SGD(schedule), LearningRateLog(), board, checkpoint)
    assert [row["learning_rate"] for row in checkpoint.rows] == rates
    (events,) = (tmp_path / "tensorboard/train").iterdir()
    shown = [
        float(tf.make_ndarray(value.tensor))
        for event in tf.compat.v1.train.summary_iterator(str(events))
        for value in event.summary.value
        if value.tag == "epoch_learning_rate"
    ]
    assert shown == pytest.approx(rates)
