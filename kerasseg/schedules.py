"""Learning rates over the steps of a run."""

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
        warm = tf.minimum((step + 1.0) / (self.warmup_steps + 1.0), 1.0)
        return self.learning_rate * warm * left**self.power

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the schedule."""
        return {
            "learning_rate": self.learning_rate,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
            "power": self.power,
        }
