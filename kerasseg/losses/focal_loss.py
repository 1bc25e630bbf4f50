"""The focal loss over label maps with void pixels."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasseg.losses.global_batch import weighted_mean
from kerasseg.losses.segmentation_loss import SegmentationLoss, check_at_least
from kerasseg.losses.truth import Truth, pixel_crossentropy

# Below it 1 - p stands still: for gamma < 1 the slope of its power would become infinite.
_SMALLEST = 1e-7


@keras.saving.register_keras_serializable(package="kerasseg")
class FocalLoss(SegmentationLoss):
    """The focal loss: cross-entropy in which pixels that are learned already weigh little.

    Lin, Goyal, Girshick, He, Dollár: "Focal Loss for Dense Object Detection", ICCV 2017, arXiv
    1708.02002, equation 5: `sum_p w(y_p) · (1 - q_p)^gamma · -log q_p / sum_p w(y_p)` with
    `q_p = softmax(logits_p)[y_p]`, over the valid pixels of the global batch, all replicas
    together; w is the paper's alpha. Void pixels change neither the loss nor its gradient; a
    batch of nothing but void has loss 0. Keras' `CategoricalFocalCrossentropy` takes one-hot
    labels and knows no void.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits `(N, H, W, C)`, C at least 2.

    Args:
        gamma: How much less easy pixels weigh, at least 0; 0 makes it the cross-entropy.
        ignore_label: The label of void pixels.
        class_weights: w, one weight a class; None for 1.
        name: Name of the loss.
        **kwargs: What `keras.losses.Loss` takes.

    Raises:
        KerassegError: If gamma or a weight is below 0; by a call as `SegmentationCrossentropy`.

    Example:
        >>> import numpy as np
        >>> labels, logits = np.array([[[0, 255]]]), np.zeros((1, 1, 2, 2), "float32")
        >>> float(FocalLoss(gamma=2.0)(labels, logits)).__round__(4)
        0.1733
    """

    def __init__(
        self,
        gamma: float = 2.0,
        ignore_label: int = 255,
        class_weights: Sequence[float] | None = None,
        name: str = "focal_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(ignore_label, class_weights, name, **kwargs)
        check_at_least("gamma", gamma, 0)
        self.gamma = float(gamma)

    def of_images(self, truth: Truth, logits: tf.Tensor) -> tf.Tensor:
        """Returns `(N,)`, whose mean as Keras takes it is the loss, of float32 logits."""
        crossentropy = pixel_crossentropy(truth, logits)
        # 1 - q, without the rounding of a difference where q is nearly 1.
        missing = tf.maximum(-tf.math.expm1(-crossentropy), _SMALLEST)
        return weighted_mean(missing**self.gamma * crossentropy, truth.weights)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the loss."""
        return {**super().get_config(), "gamma": self.gamma}
