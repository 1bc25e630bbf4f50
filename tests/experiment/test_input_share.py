import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.callbacks import Progress
from kerasseg.experiment.input_share import input_share


def trained(delay):
    """A model after three epochs of steps that wait `delay` seconds each, and its batches."""
    inputs = keras.Input((8,))
    x = keras.layers.Dropout(0.5)(keras.layers.Dense(4)(inputs))
    model = keras.Model(inputs, keras.layers.BatchNormalization()(x))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9, use_ema=True), "mse")

    def slowly():
        while True:
            time.sleep(delay)
            yield np.ones((2, 8), np.float32), np.ones((2, 4), np.float32)

    spec = tf.TensorSpec((2, 8)), tf.TensorSpec((2, 4))
    batches = tf.data.Dataset.from_generator(slowly, output_signature=spec)
    progress = Progress(batch_size=2, steps_per_epoch=4, epochs=3)
    model.fit(batches, epochs=3, steps_per_epoch=4, callbacks=[progress], verbose=0)
    return model, batches, progress.step_seconds


def test_a_slow_input_is_most_of_the_step():
    model, batches, seconds = trained(0.1)
    assert seconds == pytest.approx(0.1, abs=0.06)
    assert input_share(model, batches, seconds) > 0.6


def test_no_wait_is_no_share():
    model, batches, _ = trained(0.0)
    assert input_share(model, batches, step_seconds=1e-9) == 0.0


def test_nothing_is_changed_by_it():
    model, batches, seconds = trained(0.0)
    variables = [*model.variables, *model.optimizer.variables]
    before = [np.array(variable) for variable in variables]
    input_share(model, batches, seconds)
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
