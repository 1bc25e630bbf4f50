"""An end of the training when validation stops improving."""

import keras


class EarlyStop(keras.callbacks.Callback):
    """Ends `fit` after some validations in a row without a better score.

    Keras' `EarlyStopping` has no state that could be saved: where `fit` is resumed it begins to
    wait anew, and trains on after the epoch that it had ended the training with. It also counts
    the epochs without a validation.

    Args:
        patience: Validations in a row without a score above the best after which it acts.
        score: Name of the metric, the higher the better.

    Example:
        >>> inputs = keras.Input((3,))
        >>> stop = EarlyStop(patience=2)
        >>> stop.set_model(keras.Model(inputs, keras.layers.Dense(1)(inputs)))
        >>> for score in (0.5, 0.4, 0.5):  # as `fit` does after each validation
        ...     stop.on_test_end({"mean_iou": score})
        >>> stop.stopped, stop.model.stop_training
        (True, True)
    """

    def __init__(self, patience: int, score: str = "mean_iou") -> None:
        super().__init__()
        self.patience = patience
        self.score = score
        self.best = float("-inf")
        self.wait = 0

    @property
    def stopped(self) -> bool:
        """Whether the training has come to its end, in this start or in one before."""
        return self.wait >= self.patience

    def state(self) -> dict[str, float]:
        """Returns the best score and the validations since."""
        return {"best": self.best, "wait": self.wait}

    def restore(self, state: dict[str, float]) -> None:
        """Goes on from a state; after one that had stopped, `fit` is not to be called."""
        self.best = state["best"]
        self.wait = int(state["wait"])

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """Has `fit` end with this epoch if the score has not risen for long enough."""
        score = float((logs or {})[self.score])
        if score > self.best:
            self.best, self.wait = score, 0
            return
        self.wait += 1
        if self.stopped:
            self.model.stop_training = True
