"""One line an epoch, for a plain log."""

import keras

from kerasseg.callbacks.progress import Progress


class EpochLine(keras.callbacks.Callback):
    """Prints how an epoch went, how fast, and how long the rest will take.

    For where there is no terminal; `fit` is to be given `verbose=0`. Keras' own form, `verbose=2`,
    takes two lines and knows neither speed nor time left.

    Args:
        progress: What measures them; it stands before this callback in the list.

    Example:
        >>> import numpy as np
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        >>> model.compile("sgd", "mse")
        >>> progress = Progress(batch_size=2, steps_per_epoch=2, epochs=1)
        >>> shown = [progress, EpochLine(progress)]
        >>> x, y = np.ones((4, 3)), np.ones((4, 1))
        >>> _ = model.fit(x, y, batch_size=2, callbacks=shown, verbose=0)  # doctest: +ELLIPSIS
        epoch 1/1: loss ..., ... images/s, 0 min left
    """

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Prints the line."""
        logs = logs or {}
        figures = [
            f"{name} {logs[key]:{form}}"
            for key, name, form in (
                ("loss", "loss", ".4g"),
                ("mean_iou", "mIoU", ".3f"),
                ("val_mean_iou", "val mIoU", ".3f"),
            )
            if key in logs
        ]
        speed = f"{self.progress.images_per_second:.3g} images/s"
        left = f"{_time(self.progress.minutes_left)} left"
        place = f"epoch {epoch + 1}/{self.progress.epochs}"
        # At once: who follows the file of a long run does not want to wait for a full buffer.
        print(f"{place}: {', '.join([*figures, speed, left])}", flush=True)


def _time(minutes: float) -> str:
    """Returns a time in words.

    Example:
        >>> _time(12.3), _time(192.0)
        ('12 min', '3 h 12 min')
    """
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"
