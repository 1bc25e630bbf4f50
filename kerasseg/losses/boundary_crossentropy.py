"""Cross-entropy that weighs pixels near the borders of classes more."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasseg.losses.global_batch import weighted_mean
from kerasseg.losses.segmentation_loss import SegmentationLoss, check_at_least, check_count
from kerasseg.losses.truth import Truth, pixel_crossentropy

_BELOW_EVERY_CLASS = -1e9


@keras.saving.register_keras_serializable(package="kerasseg")
class BoundaryCrossentropy(SegmentationLoss):
    """Cross-entropy in which pixels weigh more the nearer they are to a border of classes.

    `sum_p w(y_p) b_p · -log softmax(logits_p)[y_p] / sum_p w(y_p) b_p` over the valid pixels of the
    global batch, all replicas together, with `b_p = 1 + weight · max(0, width + 1 - d_p) / width`.
    d_p is the distance to the nearest valid pixel of another class, the larger of the two
    along rows and columns: b falls from `1 + weight` beside a border to 1 beyond `width` pixels.
    The border of a class with void is none, since there the class may go on. Ronneberger,
    Fischer, Brox ("U-Net", MICCAI 2015, arXiv 1505.04597, equation 2) weigh the gaps between
    cells in this spirit, by the exponential of distances that are computed beforehand.

    Void pixels change neither the loss nor its gradient; a batch of nothing but void has loss 0.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits `(N, H, W, C)`, C at least 2.

    Args:
        width: How far a border is felt, pixels.
        weight: How much more a pixel beside a border weighs than one far from it, at least 0.
        ignore_label: The label of void pixels.
        class_weights: w, one weight a class; None for 1.
        name: Name of the loss.
        **kwargs: What `keras.losses.Loss` takes.

    Raises:
        KerassegError: If an argument is out of its range; by a call as
            `SegmentationCrossentropy`.

    Example:
        >>> import numpy as np
        >>> labels = np.array([[[0, 0, 1]]])
        >>> logits = np.array([[[[9, 0], [0, 0], [0, 9]]]], "float32")  # unsure at the border
        >>> float(BoundaryCrossentropy(width=1, weight=4.0)(labels, logits)).__round__(3)
        0.315
    """

    def __init__(
        self,
        width: int = 5,
        weight: float = 4.0,
        ignore_label: int = 255,
        class_weights: Sequence[float] | None = None,
        name: str = "boundary_crossentropy",
        **kwargs: Any,
    ) -> None:
        super().__init__(ignore_label, class_weights, name, **kwargs)
        check_count("width", width)
        check_at_least("weight", weight, 0)
        self.width = width
        self.weight = float(weight)

    def of_images(self, truth: Truth, logits: tf.Tensor) -> tf.Tensor:
        """Returns `(N,)`, whose mean as Keras takes it is the loss, of float32 logits."""
        weights = truth.weights * (1.0 + self.weight * self._nearness(truth))
        return weighted_mean(pixel_crossentropy(truth, logits), weights)

    def _nearness(self, truth: Truth) -> tf.Tensor:
        """Returns `max(0, width + 1 - d_p) / width`, `(N, H, W)`."""
        classes = tf.cast(truth.classes, tf.float32)
        # The largest of the negative ids is the smallest id.
        extremes = tf.stack([classes, -classes], axis=-1)
        extremes = tf.where(truth.valid[..., None], extremes, _BELOW_EVERY_CLASS)
        windows = tf.zeros_like(classes)
        for _ in range(self.width):
            extremes = tf.nn.max_pool2d(extremes, ksize=3, strides=1, padding="SAME")
            windows += tf.cast(extremes[..., 0] > -extremes[..., 1], tf.float32)
        return windows / self.width

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the loss."""
        return {**super().get_config(), "width": self.width, "weight": self.weight}
