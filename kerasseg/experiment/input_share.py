"""How much of a training is spent waiting for images."""

import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

_STEPS = 12


def input_share(model: keras.Model, batches: tf.data.Dataset, step_seconds: float) -> float:
    """Returns the part of a step that its images are waited for, 0..1.

    Keras fetches inside its compiled step, so that a wait cannot be timed by itself: some steps
    more are made on one batch that is held in memory, and what they take less is the wait. All
    variables of the model and its optimizer are then as they were.

    Args:
        model: A compiled model that `fit` has trained.
        batches: What it was trained on.
        step_seconds: What a step took there.

    Example:
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        >>> model.compile("sgd", "mse")
        >>> batches = tf.data.Dataset.from_tensors((np.ones((4, 3)), np.ones((4, 1))))
        >>> history = model.fit(batches, verbose=0)
        >>> input_share(model, batches, step_seconds=60.0) > 0.9
        True
    """
    variables = [*model.variables, *model.optimizer.variables]
    before = [np.array(variable) for variable in variables]
    held = tf.data.Dataset.from_tensors(next(iter(batches))).repeat()
    steps = max(_STEPS, 3 * model.steps_per_execution)
    clock = _Clock()
    try:
        model.fit(held, steps_per_epoch=steps, callbacks=[clock], shuffle=False, verbose=0)
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
    return max(0.0, 1.0 - clock.seconds_a_step / step_seconds)


class _Clock(keras.callbacks.Callback):
    """Times steps; the first one starts the pipeline."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[tuple[int, float]] = []

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.ends.append((batch, time.perf_counter()))

    @property
    def seconds_a_step(self) -> float:
        """Median over all steps but the first."""
        spans = [
            (end - begin) / (last - first)
            for (first, begin), (last, end) in zip(self.ends, self.ends[1:], strict=False)
        ]
        return float(np.median(spans))
