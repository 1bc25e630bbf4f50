"""A stop where the loss is no number any more."""

import math

import keras

from kerasseg.errors import KerassegError


class StopOnNonFinite(keras.callbacks.Callback):
    """Ends training with an error when the loss becomes infinite or no number.

    The checkpoint of the last epoch stays as it is. Keras' `TerminateOnNaN` would end it
    without an error, and the useless weights would be saved as the run's result.
    """

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Notes the epoch, for the message."""
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Raises a `KerassegError` unless the loss is finite."""
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise KerassegError(
                f"the loss became {loss} in epoch {self.epoch}, step {batch + 1}. Lower "
                "optimizer.learning_rate; the weights of the epoch before are kept."
            )
