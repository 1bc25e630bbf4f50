"""The weights of the best epoch."""

import os
from pathlib import Path

import keras

from kerasseg.files import atomic_file


class BestModel(keras.callbacks.Callback):
    """Saves a model whenever a score on the validation split is higher than ever before.

    It does so as the validation ends: before `AverageWeights`, if it stands before that in the
    list of callbacks, puts the raw weights back in the place of their average.

    Args:
        plain: The model to save, which shares its variables with the one that trains.
        path: The `.keras` file, replaced as a whole.
        score: Name of the metric, the higher the better.

    Example:
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        >>> best = BestModel(model, "best.keras")
        >>> for score in (0.25, 0.5, 0.375):  # as `fit` does after each validation
        ...     best.on_test_end({"mean_iou": score})
        >>> best.best, best.path.is_file()
        (0.5, True)
    """

    def __init__(
        self, plain: keras.Model, path: str | os.PathLike[str], score: str = "mean_iou"
    ) -> None:
        super().__init__()
        self.plain = plain
        self.path = Path(path)
        self.score = score
        self.best = float("-inf")

    def state(self) -> float:
        """Returns the best score so far."""
        return self.best

    def restore(self, state: float) -> None:
        """Goes on from a best score."""
        self.best = state

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """Saves the model if its score is the best."""
        value = (logs or {})[self.score]
        if value > self.best:
            self.best = float(value)
            with atomic_file(self.path) as temporary:
                self.plain.save(temporary)
