"""The learning rate, as a log of the epoch."""

import keras


class LearningRateLog(keras.callbacks.Callback):
    """Adds `learning_rate` to the logs of each epoch: the rate that the next step will take.

    It is the rate of a variable whose multiplier is 1. Callbacks after this one in the list see
    it; Keras' `TensorBoard` writes the same value by itself.

    Example:
        >>> import numpy as np
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        >>> model.compile(keras.optimizers.SGD(0.5), "mse")
        >>> x, y = np.ones((4, 3)), np.ones((4, 1))
        >>> model.fit(x, y, callbacks=[LearningRateLog()], verbose=0).history["learning_rate"]
        [0.5]
    """

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the rate to the logs."""
        if logs is not None:
            rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
            logs["learning_rate"] = float(rate)
