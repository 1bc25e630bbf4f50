"""What happens when validation stops improving."""

import keras


class ScoreWatch(keras.callbacks.Callback):
    """Counts the validations in a row without a better score, and acts after enough of them.

    The base of `ReduceOnPlateau` and `EarlyStop`, which say what is done. Unlike Keras' callbacks
    of this kind it has a state that a resumed run goes on from, and leaves out the epochs without
    a validation.

    Args:
        patience: Validations in a row without a score above the best after which it acts.
        score: Name of the metric, the higher the better.

    Example:
        >>> watch = ScoreWatch(patience=2)
        >>> watch.restore({"best": 0.5, "wait": 1})
        >>> watch.state()
        {'best': 0.5, 'wait': 1}
    """

    def __init__(self, patience: int, score: str = "mean_iou") -> None:
        super().__init__()
        self.patience = patience
        self.score = score
        self.best = float("-inf")
        self.wait = 0

    def state(self) -> dict[str, float]:
        """Returns the best score and the validations since."""
        return {"best": self.best, "wait": self.wait}

    def restore(self, state: dict[str, float]) -> None:
        """Goes on from a state."""
        self.best = state["best"]
        self.wait = int(state["wait"])

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """Acts if the score has not risen for long enough."""
        score = float((logs or {})[self.score])
        if score > self.best:
            self.best, self.wait = score, 0
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.act()

    def act(self) -> None:
        """Does what is to be done; the base does nothing."""
