"""The learning rates, as logs of the epoch."""

from collections.abc import Mapping

import keras


class LearningRateLog(keras.callbacks.Callback):
    """Adds `learning_rate` to the logs of each epoch: the rate that the next step will take.

    It is the rate of a variable whose multiplier is 1. Callbacks after this one in the list see
    it; Keras' `TensorBoard` writes the same value by itself.

    Args:
        multipliers: Of parts of the model with a rate of their own, by the part's name: that of
            `"backbone"` is logged as `learning_rate_backbone`. One whose multiplier is 1 is left
            out.

    Example:
        >>> import numpy as np
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        >>> model.compile(keras.optimizers.SGD(0.5), "mse")
        >>> x, y = np.ones((4, 3)), np.ones((4, 1))
        >>> log = LearningRateLog({"backbone": 0.5, "head": 1.0})
        >>> history = model.fit(x, y, callbacks=[log], verbose=0).history
        >>> {name: value for name, value in history.items() if name != "loss"}
        {'learning_rate': [0.5], 'learning_rate_backbone': [0.25]}
    """

    def __init__(self, multipliers: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.multipliers = {part: one for part, one in (multipliers or {}).items() if one != 1}

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the rates to the logs."""
        if logs is None:
            return
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        logs["learning_rate"] = rate
        for part, multiplier in self.multipliers.items():
            logs[f"learning_rate_{part}"] = rate * multiplier
