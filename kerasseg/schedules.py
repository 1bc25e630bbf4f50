"""Learning rates over the steps of a run.

A schedule counts the steps that the optimizer takes. What Keras has (`CosineDecay`,
`PiecewiseConstantDecay`) is put into a `WarmUp`.
"""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="kerasseg")
class PolySchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The poly schedule `rate * (1 - t / T) ** power`, after a linear warm-up.

    The schedule of both papers' segmentation recipes; t counts optimizer steps. Keras'
    `PolynomialDecay` is the same without the warm-up.

    Args:
        learning_rate: The rate at the end of the warm-up.
        total_steps: T, at which the rate is 0.
        warmup_steps: Steps over which the rate rises from near 0.
        power: 0.9 in the papers.

    Example:
        >>> schedule = PolySchedule(1.0, total_steps=10, power=1.0)
        >>> float(schedule(5))
        0.5
    """

    def __init__(
        self, learning_rate: float, total_steps: int, warmup_steps: int = 0, power: float = 0.9
    ) -> None:
        self.learning_rate = learning_rate
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps
        self.power = power

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the learning rate of a step, counted from 0."""
        step = tf.cast(step, tf.float32)
        left = tf.maximum(1.0 - step / self.total_steps, 0.0)
        return self.learning_rate * _warmth(step, self.warmup_steps) * left**self.power

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the schedule."""
        return {
            "learning_rate": self.learning_rate,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
            "power": self.power,
        }


@keras.saving.register_keras_serializable(package="kerasseg")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up of any schedule: `min((t + 1) / (warmup_steps + 1), 1) * schedule(t)`.

    The schedule counts the steps of the warm-up too: what it does at step t does not depend on
    the length of the warm-up.

    Args:
        schedule: A schedule, or a constant rate.
        warmup_steps: Steps over which the rate rises from near 0.

    Example:
        >>> schedule = WarmUp(keras.optimizers.schedules.CosineDecay(1.0, 10), warmup_steps=3)
        >>> float(schedule(0)), float(schedule(5)).__round__(6)
        (0.25, 0.5)
    """

    def __init__(
        self,
        schedule: keras.optimizers.schedules.LearningRateSchedule | float,
        warmup_steps: int = 0,
    ) -> None:
        self.schedule = schedule
        self.warmup_steps = warmup_steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the learning rate of a step, counted from 0."""
        rate = self.schedule(step) if callable(self.schedule) else self.schedule
        return rate * _warmth(tf.cast(step, tf.float32), self.warmup_steps)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the schedule."""
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "warmup_steps": self.warmup_steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WarmUp":
        """Returns the schedule of a config."""
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["warmup_steps"])


@keras.saving.register_keras_serializable(package="kerasseg")
class PlateauSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A constant rate times a factor that a callback lowers, after a linear warm-up.

    The factor is a variable that a compiled step reads, so that lowering it compiles nothing
    anew; `kerasseg.callbacks.ReduceOnPlateau` lowers it and keeps it for a resumed run. Make it
    in the scope of the strategy that the model trains under.

    Args:
        learning_rate: The rate while the factor is 1.
        warmup_steps: Steps over which the rate rises from near 0.

    Attributes:
        factor: The variable, 1 in the beginning.

    Example:
        >>> schedule = PlateauSchedule(0.5)
        >>> _ = schedule.factor.assign(0.5)
        >>> float(schedule(0))
        0.25
    """

    def __init__(self, learning_rate: float, warmup_steps: int = 0) -> None:
        self.learning_rate = learning_rate
        self.warmup_steps = warmup_steps
        self.factor = keras.Variable(
            1.0,
            dtype="float32",
            trainable=False,
            aggregation="only_first_replica",
            name="plateau_factor",
        )

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the learning rate of a step, counted from 0."""
        warmth = _warmth(tf.cast(step, tf.float32), self.warmup_steps)
        return self.learning_rate * warmth * tf.convert_to_tensor(self.factor)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the schedule; the factor is state of the run."""
        return {"learning_rate": self.learning_rate, "warmup_steps": self.warmup_steps}


def _warmth(step: tf.Tensor, warmup_steps: int) -> tf.Tensor:
    """Returns the part of the rate that a step of the warm-up has, 1 after it."""
    return tf.minimum((step + 1.0) / (warmup_steps + 1.0), 1.0)
