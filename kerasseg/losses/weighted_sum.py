"""Several losses at once."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.losses.segmentation_loss import SegmentationLoss, check_at_least


@keras.saving.register_keras_serializable(package="kerasseg")
class WeightedSum(keras.losses.Loss):
    """The sum of several losses of the same logits, each times a weight.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits `(N, H, W, C)`, C at least 2.

    Args:
        losses: Losses of `kerasseg.losses`, at least one.
        weights: One a loss, at least 0; None for 1.
        name: Name of the loss.
        **kwargs: What `keras.losses.Loss` takes.

    Raises:
        KerassegError: If there is no loss, one that returns no value for each image, or not one
            weight for each.

    Example:
        >>> import numpy as np
        >>> from kerasseg.losses import LovaszSoftmax, SegmentationCrossentropy
        >>> loss = WeightedSum([SegmentationCrossentropy(), LovaszSoftmax()], [1.0, 0.5])
        >>> labels, logits = np.array([[[0, 255]]]), np.zeros((1, 1, 2, 2), "float32")
        >>> float(loss(labels, logits)).__round__(4)
        0.9431
    """

    def __init__(
        self,
        losses: Sequence[keras.losses.Loss],
        weights: Sequence[float] | None = None,
        name: str = "weighted_sum",
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"name": name, "dtype": "float32", **kwargs})
        self.losses = list(losses)
        self.weights = (1.0,) * len(self.losses) if weights is None else tuple(map(float, weights))
        self._check()

    def _check(self) -> None:
        if not self.losses or len(self.losses) != len(self.weights):
            raise KerassegError(
                f"a weighted sum takes losses and one weight for each; received {len(self.losses)} "
                f"losses and {len(self.weights)} weights."
            )
        for loss in self.losses:
            if not isinstance(loss, SegmentationLoss | WeightedSum):
                raise KerassegError(
                    f"a weighted sum takes the losses of kerasseg.losses; received {loss!r}."
                )
        for weight in self.weights:
            check_at_least("each of weights", weight, 0)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns `(N,)`, whose mean as Keras takes it is the sum."""
        parts = zip(self.weights, self.losses, strict=True)
        return tf.add_n([weight * loss.call(y_true, y_pred) for weight, loss in parts])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the loss."""
        losses = [keras.losses.serialize(loss) for loss in self.losses]
        return {**super().get_config(), "losses": losses, "weights": self.weights}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WeightedSum":
        """Returns the loss of a config."""
        losses = [keras.losses.deserialize(loss) for loss in config["losses"]]
        return cls(**{**config, "losses": losses})
