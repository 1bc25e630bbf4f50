"""Validation by the moving average of the weights."""

from typing import Any

import keras
import numpy as np


class AverageWeights(keras.callbacks.Callback):
    """Puts the optimizer's moving average into the model while it is validated, and takes it out.

    For an optimizer with `use_ema=True`. What a callback before this one saves at the end of a
    validation is the average; at the end of the epoch the model is as if it had never been
    validated, to the last bit: Keras' `SwapEMAWeights` exchanges weights and average by sums
    and differences, which rounds both.

    Example:
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        >>> model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
        >>> x, y = np.ones((4, 3)), np.ones((4, 1))
        >>> history = model.fit(
        ...     x, y, validation_data=(x, y), callbacks=[AverageWeights()], verbose=0
        ... )
        >>> sorted(history.history)
        ['loss', 'val_loss']
    """

    def __init__(self) -> None:
        super().__init__()
        self._raw: list[np.ndarray] = []

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Keeps the weights aside and puts their average into the model."""
        variables = self.model.trainable_variables
        self._raw = [variable.numpy() for variable in variables]
        self.model.optimizer.finalize_variable_values(variables)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the weights back."""
        for variable, raw in zip(self.model.trainable_variables, self._raw, strict=True):
            variable.assign(raw)
        self._raw = []
