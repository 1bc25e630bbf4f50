"""A stop where the loss is no number any more."""

import math
from collections.abc import Callable

import keras

from kerasseg.errors import KerassegError

_MOST_NAMES = 16


class StopOnNonFinite(keras.callbacks.Callback):
    """Ends training with an error when the loss becomes infinite or no number.

    The checkpoint of the last epoch stays as it is. Keras' `TerminateOnNaN` would end it
    without an error, and the useless weights would be saved as the run's result.

    Args:
        names: A function from the number of an epoch and some of its steps, both from 0, to what
            messages call their images; None where that is not known.

    Raises:
        KerassegError: By `fit`, with the epoch, the step and its images.

    Example:
        >>> import numpy as np
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 3)), np.full((4, 1), np.nan)
        >>> model.fit(x, y, callbacks=[StopOnNonFinite()], verbose=0)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: the loss became nan in epoch 1, step 1. Lower ...
    """

    def __init__(self, names: Callable[[int, range], list[str]] | None = None) -> None:
        super().__init__()
        self.names = names

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Notes the epoch, for the message."""
        self.epoch = epoch + 1
        self.first: int | None = None

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Notes the first step of a call, which may run several."""
        self.first = batch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Raises a `KerassegError` unless the loss is finite."""
        # Keras numbers the last call of an epoch as if it were a whole one.
        last = min(batch + 1, (self.params or {}).get("steps") or batch + 1)
        first = last if self.first is None else self.first
        place = f"one of the steps {first}..{last}" if first < last else f"step {last}"
        self._check(logs, place, range(first - 1, last))

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """Raises a `KerassegError` unless the loss on the validation split is finite."""
        # A last step that ruins the weights shows in no loss of its own epoch.
        self._check(logs, "in validation")

    def _check(self, logs: dict[str, float] | None, place: str, steps: range | None = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if math.isfinite(loss):
            return
        images = ""
        if self.names is not None and steps is not None:
            names = self.names(self.epoch - 1, steps)
            more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
            images = f"\nThe images of it: {', '.join(names[:_MOST_NAMES])}{more}."
        raise KerassegError(
            f"the loss became {loss} in epoch {self.epoch}, {place}. Lower "
            f"optimizer.learning_rate; the weights of the epoch before are kept.{images}"
        )
