"""The soft Dice loss over label maps with void pixels."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasseg.losses.global_batch import as_mean_over_images, sum_over_replicas
from kerasseg.losses.segmentation_loss import SegmentationLoss
from kerasseg.losses.truth import Truth, class_maps, sum_of_pixels


@keras.saving.register_keras_serializable(package="kerasseg")
class DiceLoss(SegmentationLoss):
    """The soft Dice loss: one minus the overlap of prediction and truth, class by class.

    Milletari, Navab, Ahmadi: "V-Net", 3DV 2016, arXiv 1606.04797, section 3:
    `D_c = 2 sum_p q_pc g_pc / (sum_p q_pc² + sum_p g_pc²)` with `q = softmax(logits)` and
    `g_pc = [y_p = c]`, and the loss is the mean `sum_c w_c (1 - D_c) / sum_c w_c` over the
    classes that occur in the truth. A class that does not occur has no overlap to gain and is left
    out; what is wrongly taken for it is missing where it belongs.

    Each sum is over the valid pixels of the global batch, all replicas together, so that it does
    not matter how images are dealt out; but it does how many there are in a batch. Void pixels
    change neither the loss nor its gradient; a batch of nothing but void has loss 0. Keras' `Dice`
    takes one-hot labels and knows no void.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits `(N, H, W, C)`, C at least 2.

    Args:
        ignore_label: The label of void pixels.
        class_weights: w, one weight a class, of the class as a whole; None for 1.
        name: Name of the loss.
        **kwargs: What `keras.losses.Loss` takes.

    Raises:
        KerassegError: By a call as `SegmentationCrossentropy`.
        tf.errors.InvalidArgumentError: By a label that is neither a class nor void.

    Example:
        >>> import numpy as np
        >>> labels, logits = np.array([[[0, 255]]]), np.zeros((1, 1, 2, 2), "float32")
        >>> float(DiceLoss()(labels, logits)).__round__(4)
        0.2
    """

    def __init__(
        self,
        ignore_label: int = 255,
        class_weights: Sequence[float] | None = None,
        name: str = "dice_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(ignore_label, class_weights, name, **kwargs)

    def of_images(self, truth: Truth, logits: tf.Tensor) -> tf.Tensor:
        """Returns `(N,)`, whose mean as Keras takes it is the loss, of float32 logits."""
        predicted, occurs = class_maps(truth, logits)
        maps = (predicted * occurs, predicted**2, occurs)
        sums = tf.stack([tf.reduce_sum(sum_of_pixels(each), axis=0) for each in maps])
        overlap, predicted_area, area = tf.unstack(sum_over_replicas(sums))
        weights = tf.cast(area > 0, tf.float32)
        if self.class_weights is not None:
            weights *= tf.constant(self.class_weights)
        dice = tf.math.divide_no_nan(2.0 * overlap, predicted_area + area)
        # Each image of every replica carries the same part of the one value.
        loss = tf.reduce_sum(weights * (1.0 - dice))
        images = tf.fill([tf.shape(logits)[0]], loss)
        num_images = sum_over_replicas(tf.cast(tf.shape(logits)[0], tf.float32))
        return as_mean_over_images(images, num_images * tf.reduce_sum(weights))
