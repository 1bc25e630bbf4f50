"""Speed and time left, as logs that the progress bar shows."""

import statistics
import time

import keras


class Progress(keras.callbacks.Callback):
    """Adds images a second and the minutes left in the run to each step's logs.

    It also counts the seconds spent in `fit`, over all starts of a run.

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
        self._steps_done = 0
        self._first: int | None = None
        self._epoch_began = 0.0
        self._epochs_here: list[float] = []

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
        """Seconds of a step: of the median epoch of this start; None before the first has ended.

        The first epoch, which traces the graph, counts only where it is the only one.
        """
        epochs = self._epochs_here[1:] or self._epochs_here
        return statistics.median(epochs) if epochs else None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._began = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Notes where the epoch began."""
        self._epoch_began = time.monotonic()
        self._steps_done = epoch * self.steps_per_epoch

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Notes the first step of a call, which may run several."""
        self._first = batch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the two figures to the logs of a step."""
        if logs is None or self._began is None:
            return
        # Keras numbers the last call of an epoch as if it were a whole one.
        done = min(batch + 1, self.steps_per_epoch)
        self._steps_here += done - (batch if self._first is None else self._first)
        now = time.monotonic()
        per_step = (now - self._began) / self._steps_here
        left = self.epochs * self.steps_per_epoch - self._steps_done - done
        logs["images_per_second"] = self.batch_size * done / (now - self._epoch_began)
        logs["minutes_left"] = left * per_step / 60
        if batch + 1 >= self.steps_per_epoch:
            self._epochs_here.append((now - self._epoch_began) / self.steps_per_epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Counts the epoch."""
        self.epochs_done = epoch + 1
