"""Keras' progress bar, with what somebody who watches a training asks for."""

import keras

from kerasseg.callbacks.progress import Progress


class ProgressBar(keras.callbacks.ProgbarLogger):
    """Keras' bar with the loss, the metrics, images a second and the minutes left of the run.

    `fit` takes it in the place of its own, which shows every log: learning rates too, as
    `0.0000e+00` at the end of a schedule. The time that the bar itself shows is that of the
    epoch; in the last epoch it is that of the run, and the minutes are left out.

    Args:
        progress: What measures speed and time; it stands before this callback in the list.

    Example:
        >>> import contextlib, io
        >>> import numpy as np
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        >>> model.compile("sgd", "mse")
        >>> progress = Progress(batch_size=2, steps_per_epoch=2, epochs=1)
        >>> shown = [progress, ProgressBar(progress)]
        >>> x, y = np.ones((4, 3)), np.ones((4, 1))
        >>> with contextlib.redirect_stdout(io.StringIO()) as screen:
        ...     history = model.fit(x, y, batch_size=2, callbacks=shown)
        >>> "2/2" in screen.getvalue(), "images_per_second: " in screen.getvalue()
        (True, True)
    """

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress
        self._is_last = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Begins a bar."""
        self._is_last = epoch + 1 == self.progress.epochs
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Shows a step."""
        super().on_train_batch_end(batch, self._chosen(logs))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Shows the epoch, with its validation."""
        super().on_epoch_end(epoch, self._chosen(logs))

    def _chosen(self, logs: dict[str, float] | None) -> dict[str, float]:
        shown = {
            name: value
            for name, value in (logs or {}).items()
            if not name.startswith("learning_rate") and name != "minutes_left"
        }
        if not self._is_last:
            shown["minutes_left_of_run"] = self.progress.minutes_left
        return shown
