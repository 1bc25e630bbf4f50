"""Speed and time left, as logs that the progress bar shows."""

import statistics
import time

import keras

_LEAST_STEPS = 3  # Of fewer, what a step takes says nothing.


class Progress(keras.callbacks.Callback):
    """Adds images a second and the minutes left in the run to each step's logs.

    It also counts the seconds spent in `fit`, over all starts of a run. `ProgressBar` and
    `EpochLine` show what it finds.

    Args:
        batch_size: Images in a step, on all devices together.
        steps_per_epoch: Steps in an epoch.
        epochs: Epochs of the whole run.

    Example:
        >>> import numpy as np
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        >>> model.compile("sgd", "mse")
        >>> progress = Progress(batch_size=2, steps_per_epoch=2, epochs=1)
        >>> x, y = np.ones((4, 3)), np.ones((4, 1))
        >>> history = model.fit(x, y, batch_size=2, callbacks=[progress], verbose=0)
        >>> progress.seconds > 0
        True
    """

    def __init__(self, batch_size: int, steps_per_epoch: int, epochs: int) -> None:
        super().__init__()
        self.batch_size = batch_size
        self.steps_per_epoch = steps_per_epoch
        self.epochs = epochs
        self.earlier = 0.0
        self.epochs_done = 0
        self._began: float | None = None
        self._steps_here = 0
        self._steps_before = 0
        self._steps_done = 0
        self._first: int | None = None
        self._epoch_began = 0.0
        self._call_began = 0.0
        # Seconds and steps of each epoch of this start, without the calls that traced a graph.
        self._timed: list[tuple[float, int]] = []
        self._lengths: set[int] = set()
        self.images_per_second = 0.0

    def state(self) -> float:
        """Returns the seconds spent so far."""
        return self.seconds

    def restore(self, state: float) -> None:
        """Goes on from the seconds spent before."""
        self.earlier = state

    @property
    def seconds(self) -> float:
        """Seconds spent in `fit` by this run, earlier starts included."""
        here = 0.0 if self._began is None else time.monotonic() - self._began
        return self.earlier + here

    @property
    def step_seconds(self) -> float | None:
        """Seconds of a step: of the median epoch of this start.

        A call of the compiled function that is of other steps than any before traces its graph,
        and does not count; None before there were three others. The first epoch, which fills
        caches, counts only where no later one does.
        """
        if sum(steps for _, steps in self._timed) < _LEAST_STEPS:
            return None
        epochs = [seconds / steps if steps else None for seconds, steps in self._timed]
        later, all_of_them = ([one for one in part if one] for part in (epochs[1:], epochs))
        return statistics.median(later or all_of_them)

    @property
    def minutes_left(self) -> float:
        """Minutes to the end of the last epoch, at the speed of this start, validations too."""
        left = self.epochs * self.steps_per_epoch - self._steps_done
        here = 0.0 if self._began is None else time.monotonic() - self._began
        return left * here / max(1, self._steps_here) / 60

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._began = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Notes where the epoch began."""
        self._epoch_began = self._call_began = time.monotonic()
        self._steps_before = self._steps_done = epoch * self.steps_per_epoch
        self._timed.append((0.0, 0))

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Notes the first step of a call, which may run several."""
        self._first = batch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the two figures to the logs of a step."""
        if logs is None or self._began is None:
            return
        # Keras numbers the last call of an epoch as if it were a whole one.
        done = min(batch + 1, self.steps_per_epoch)
        steps = done - (batch if self._first is None else self._first)
        self._time(steps)
        self._steps_here += steps
        self._steps_done = self._steps_before + done
        self.images_per_second = self.batch_size * done / (self._call_began - self._epoch_began)
        logs["images_per_second"] = self.images_per_second
        logs["minutes_left"] = self.minutes_left

    def _time(self, steps: int) -> None:
        now = time.monotonic()
        if steps in self._lengths:
            seconds, before = self._timed[-1]
            self._timed[-1] = seconds + now - self._call_began, before + steps
        self._lengths.add(steps)
        self._call_began = now

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Counts the epoch."""
        self.epochs_done = epoch + 1
