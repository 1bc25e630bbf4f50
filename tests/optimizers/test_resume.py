"""All state that an optimizer has is in the checkpoint of an epoch."""

import keras
import numpy as np
import pytest

from kerasseg.callbacks import AverageWeights, EpochCheckpoint, LearningRateLog, ReduceOnPlateau
from kerasseg.optimizers import LossScaling
from kerasseg.schedules import PlateauSchedule
from tests.optimizers.networks import OPTIMIZERS, examples, network

EPOCHS = 4


class Overflow(keras.losses.Loss):
    """A mean squared error whose gradient is infinite in the third epoch's first batch."""

    calls = 0

    def call(self, y_true, y_pred):
        Overflow.calls += 1
        # Two batches of training and two of validation an epoch; the scale makes it infinite.
        factor = 1e37 if Overflow.calls == 9 else 1.0
        return keras.ops.mean((y_true - y_pred) ** 2, axis=(1, 2, 3)) * factor


def fit(name, folder, epochs=EPOCHS):
    """Goes on from the checkpoint of the folder and returns all state after `epochs` epochs."""
    schedule = PlateauSchedule(0.05, warmup_steps=2)
    inner = OPTIMIZERS[name](
        schedule,
        weight_decay=0.1,
        global_clipnorm=0.5,
        gradient_accumulation_steps=3,  # of two batches an epoch
        use_ema=True,
        ema_momentum=0.6,
    )
    model = network()
    score = keras.metrics.MeanSquaredError("mean_iou")
    model.compile(LossScaling(inner), Overflow(), metrics=[score], run_eagerly=True)
    model.optimizer.build(model.trainable_variables)
    plateau = ReduceOnPlateau(schedule, patience=1)
    checkpoint = EpochCheckpoint(folder / "checkpoint", folder / "h.csv", {"plateau": plateau})
    first = checkpoint.restore(model)
    Overflow.calls = first * 4
    model.fit(
        *examples(),
        batch_size=3,
        initial_epoch=first,
        epochs=epochs,
        validation_data=examples(),
        validation_batch_size=3,
        shuffle=False,
        callbacks=[AverageWeights(), plateau, LearningRateLog(), checkpoint],
        verbose=0,
    )
    state = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    return state, checkpoint.rows, plateau.state(), model.optimizer


@pytest.mark.parametrize(
    "name",
    ["SGD", *(pytest.param(name, marks=pytest.mark.slow) for name in OPTIMIZERS if name != "SGD")],
)
def test_a_run_stopped_between_two_gradients_of_a_step_ends_as_an_undisturbed_one(name, tmp_path):
    state, rows, plateau, optimizer = fit(name, tmp_path / "whole")
    for stop in (1, 3):
        fit(name, tmp_path / str(stop), epochs=stop)
        found = fit(name, tmp_path / str(stop))
        for one, other in zip(found[0], state, strict=True):
            np.testing.assert_array_equal(one, other)
        assert found[1:3] == (rows, plateau)
    assert float(optimizer.dynamic_scale) == 2.0**14  # one overflow
    assert int(optimizer.inner_optimizer._iterations) == 2 * EPOCHS - 1  # skipped
    assert rows[-1]["learning_rate"] < 0.05  # a plateau
