"""What every loss over label maps does: void, class weights, float32."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.losses.truth import Truth, read_truth


class SegmentationLoss(keras.losses.Loss, ABC):
    """A loss of logits over the pixels that are not void, computed in float32.

    Args:
        ignore_label: The label of void pixels.
        class_weights: One weight a class, none below 0; None for 1.
        name: Name of the loss.
        **kwargs: What `keras.losses.Loss` takes.

    Raises:
        KerassegError: If a class weight is below 0 or no finite number; by a call with logits of
            one channel, whose softmax is always 1, or of other than one channel a weight.
    """

    def __init__(
        self,
        ignore_label: int,
        class_weights: Sequence[float] | None,
        name: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"name": name, "dtype": "float32", **kwargs})
        self.ignore_label = ignore_label
        self.class_weights = None if class_weights is None else tuple(map(float, class_weights))
        for weight in self.class_weights or ():
            check_at_least("each of class_weights", weight, 0)

    @abstractmethod
    def of_images(self, truth: Truth, logits: tf.Tensor) -> tf.Tensor:
        """Returns `(N,)`, whose mean as Keras takes it is the loss, of float32 logits."""

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns `(N,)`: each image's share, scaled so that the mean over N is the loss.

        A loss that returned the scalar itself would be multiplied by the number of replicas.
        """
        self._check_channels(y_pred.shape[-1])
        truth = read_truth(y_true, self.ignore_label, self.class_weights)
        return self.of_images(truth, tf.cast(y_pred, tf.float32))

    def _check_channels(self, channels: int) -> None:
        if channels == 1:
            raise KerassegError(
                f"{type(self).__name__} takes logits of at least 2 channels; the softmax of one "
                "is always 1.\nFor a mask of one thing build the model with num_classes=2, or take "
                "keras.losses.BinaryCrossentropy(from_logits=True)."
            )
        if self.class_weights is not None and len(self.class_weights) != channels:
            raise KerassegError(
                f"{type(self).__name__} has {len(self.class_weights)} class_weights and received "
                f"logits of {channels} channels; give one weight a class."
            )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the loss."""
        return {
            **super().get_config(),
            "ignore_label": self.ignore_label,
            "class_weights": self.class_weights,
        }


def check_at_least(argument: str, value: float, smallest: float) -> None:
    """Raises a `KerassegError` unless a number is finite and not below the smallest."""
    if not smallest <= value < float("inf"):
        raise KerassegError(
            f"{argument} is a finite number of at least {smallest}; received {value!r}."
        )


def check_count(argument: str, value: int) -> None:
    """Raises a `KerassegError` unless a number is whole and at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise KerassegError(f"{argument} is a whole number of at least 1; received {value!r}.")
