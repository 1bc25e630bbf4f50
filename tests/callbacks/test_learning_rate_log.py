import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.callbacks import EpochCheckpoint, EpochScalars, LearningRateLog
from kerasseg.optimizers import LossScaling
from kerasseg.schedules import PolySchedule


def fit(optimizer, *callbacks):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile(optimizer, "mse", run_eagerly=True)
    model.fit(np.ones((4, 3)), np.ones((4, 1)), 2, 3, callbacks=list(callbacks), verbose=0)
    return model.history.history


@pytest.mark.parametrize("wrap", [lambda inner: inner, LossScaling])
def test_the_rate_is_that_of_the_next_step(wrap):
    rates = fit(wrap(keras.optimizers.SGD(PolySchedule(1.0, 8, power=1.0))), LearningRateLog())[
        "learning_rate"
    ]
    assert rates == pytest.approx([1 - 2 / 8, 1 - 4 / 8, 1 - 6 / 8])


def test_a_part_with_a_multiplier_has_a_rate_of_its_own():
    log = LearningRateLog({"backbone": 0.1, "decoder": 1.0, "head": 10.0})
    logs = fit(keras.optimizers.SGD(PolySchedule(1.0, 8, power=1.0)), log)
    assert set(logs) == {"loss", *(f"learning_rate{end}" for end in ("", "_backbone", "_head"))}
    assert logs["learning_rate_backbone"] == pytest.approx([0.075, 0.05, 0.025])
    assert logs["learning_rate_head"] == pytest.approx([7.5, 5, 2.5])


def test_tensorboard_and_the_history_show_the_same(tmp_path):
    board = EpochScalars(tmp_path / "tensorboard")
    checkpoint = EpochCheckpoint(tmp_path / "checkpoint", tmp_path / "history.csv")
    schedule = PolySchedule(1.0, 8, power=1.0)
    rates = fit(keras.optimizers.SGD(schedule), LearningRateLog(), board, checkpoint)[
        "learning_rate"
    ]
    assert [row["learning_rate"] for row in checkpoint.rows] == rates
    (events,) = (tmp_path / "tensorboard/train").iterdir()
    shown = [
        float(tf.make_ndarray(value.tensor))
        for event in tf.compat.v1.train.summary_iterator(str(events))
        for value in event.summary.value
        if value.tag == "epoch_learning_rate"
    ]
    assert shown == pytest.approx(rates)
