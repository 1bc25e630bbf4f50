"""A learning rate that falls when validation stops improving."""

import keras

from kerasseg.callbacks.score_watch import ScoreWatch
from kerasseg.schedules import PlateauSchedule


class ReduceOnPlateau(ScoreWatch):
    """Multiplies the learning rate by a factor after some validations without a better score.

    The RefineNet authors divide theirs by 10 so. Keras' `ReduceLROnPlateau` needs a rate that is
    no schedule, which rules out a warm-up, begins anew when `fit` is resumed, and counts the
    epochs without a validation too.

    Args:
        schedule: The schedule of the optimizer.
        patience: Validations in a row without a score above the best after which it acts, and
            after which it acts again.
        factor: What the rate is multiplied by.
        score: Name of the metric, the higher the better.

    Example:
        >>> schedule = PlateauSchedule(1.0)
        >>> plateau = ReduceOnPlateau(schedule, patience=2, factor=0.5)
        >>> for score in (0.5, 0.4, 0.5):  # as `fit` does after each validation
        ...     plateau.on_test_end({"mean_iou": score})
        >>> float(schedule(0))
        0.5
    """

    def __init__(
        self,
        schedule: PlateauSchedule,
        patience: int,
        factor: float = 0.1,
        score: str = "mean_iou",
    ) -> None:
        super().__init__(patience, score)
        self.schedule = schedule
        self.factor = factor

    def state(self) -> dict[str, float]:
        """Returns the factor of the rate, the best score and the validations since."""
        factor = float(keras.ops.convert_to_numpy(self.schedule.factor))
        return {"factor": factor, **super().state()}

    def restore(self, state: dict[str, float]) -> None:
        """Goes on from a state."""
        self.schedule.factor.assign(state["factor"])
        super().restore(state)

    def act(self) -> None:
        """Lowers the rate, and waits as long again."""
        self.schedule.factor.assign(self.schedule.factor * self.factor)
        self.wait = 0
