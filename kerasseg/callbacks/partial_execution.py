"""Epochs whose steps are no multiple of the steps in one call."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


class PartialExecution(keras.callbacks.Callback):
    """Ends an epoch with its last step where `steps_per_execution` does not divide its steps.

    Keras would run the last call of the epoch to its end, and so take steps that belong to the
    next epoch. This callback has a shorter call compiled for the rest. Put the data set through
    `without_length`: Keras counts each call as a whole one, and would believe it exhausted.

    Args:
        steps_per_epoch: Steps in an epoch.

    Example:
        >>> import numpy as np
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        >>> model.compile("sgd", "mse", steps_per_execution=2)
        >>> x, y = np.ones((6, 3), "float32"), np.ones((6, 1), "float32")
        >>> batches = without_length(tf.data.Dataset.from_tensor_slices((x, y)).batch(1))
        >>> partial = PartialExecution(3)
        >>> history = model.fit(
        ...     batches, steps_per_epoch=3, epochs=2, shuffle=False, callbacks=[partial], verbose=0
        ... )
        >>> int(model.optimizer.iterations)
        6
    """

    def __init__(self, steps_per_epoch: int) -> None:
        super().__init__()
        self.steps_per_epoch = steps_per_epoch
        self._whole: tuple[int, Callable[..., Any]] | None = None
        self._rest: tuple[int, Callable[..., Any]] | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Keeps what Keras calls for a whole execution."""
        self._whole = self.model.steps_per_execution, self.model.train_function
        self._rest = None

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Puts the shorter call in the place of the last one of an epoch."""
        left = self.steps_per_epoch - batch
        if left < self.model.steps_per_execution:
            self._rest = self._rest or self._make(left)
            self.model.steps_per_execution, self.model.train_function = self._rest

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Puts the whole call back."""
        if self._whole is not None:
            self.model.steps_per_execution, self.model.train_function = self._whole

    def _make(self, steps: int) -> tuple[int, Callable[..., Any]]:
        self.model.steps_per_execution = steps
        self.model.make_train_function(force=True)
        return steps, self.model.train_function


def without_length(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Returns the same batches as a data set that does not know how many they are.

    Example:
        >>> batches = without_length(tf.data.Dataset.range(3))
        >>> int(batches.cardinality()) == tf.data.UNKNOWN_CARDINALITY, len(list(batches))
        (True, 3)
    """
    return batches.filter(lambda *_: True)
