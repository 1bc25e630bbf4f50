"""An end of the training when validation stops improving."""

from kerasseg.callbacks.score_watch import ScoreWatch


class EarlyStop(ScoreWatch):
    """Ends `fit` after some validations in a row without a better score.

    Keras' `EarlyStopping` has no state that could be saved: where `fit` is resumed it begins to
    wait anew, and trains on after the epoch that it had ended the training with. It also counts
    the epochs without a validation.

    Args:
        patience: Validations in a row without a score above the best after which it acts.
        score: Name of the metric, the higher the better.

    Example:
        >>> import keras
        >>> inputs = keras.Input((3,))
        >>> stop = EarlyStop(patience=2)
        >>> stop.set_model(keras.Model(inputs, keras.layers.Dense(1)(inputs)))
        >>> for score in (0.5, 0.4, 0.5):  # as `fit` does after each validation
        ...     stop.on_test_end({"mean_iou": score})
        >>> stop.stopped, stop.model.stop_training
        (True, True)
    """

    @property
    def stopped(self) -> bool:
        """Whether the training has come to its end, in this start or in one before.

        After a state that had stopped, `fit` is not to be called.
        """
        return self.wait >= self.patience

    def act(self) -> None:
        """Has `fit` end with this epoch."""
        self.model.stop_training = True
