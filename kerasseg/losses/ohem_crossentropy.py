"""Cross-entropy of the hard pixels alone."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.losses.global_batch import weighted_mean
from kerasseg.losses.segmentation_loss import SegmentationLoss, check_count
from kerasseg.losses.truth import Truth, pixel_crossentropy


@keras.saving.register_keras_serializable(package="kerasseg")
class OHEMCrossentropy(SegmentationLoss):
    """Online hard example mining: the cross-entropy of the pixels that are not yet learned.

    After Shrivastava, Gupta, Girshick: "Training Region-based Object Detectors with Online Hard
    Example Mining", CVPR 2016, arXiv 1604.03540, in its use for segmentation. A pixel p is hard
    if `q_p = softmax(logits_p)[y_p]` is at most the threshold. Of an image that has fewer than
    `min_kept` hard pixels its `min_kept` pixels of smallest q are taken instead (all of them,
    if it has no more; those of equal q together). Then the loss is
    `sum_p w(y_p) · -log q_p / sum_p w(y_p)` over the pixels taken in the global batch.

    The minimum is one for each image, not for the batch, and the mean is over all replicas: which
    replica an image is dealt out to changes nothing. Void pixels, and those of classes of weight
    0, are never taken nor counted; a batch of nothing but void has loss 0. Which pixels are
    taken is not differentiated.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits `(N, H, W, C)`, C at least 2.

    Args:
        threshold: The largest probability of the true class at which a pixel is hard, 0..1.
        min_kept: Pixels that are taken of each image at least; the default is a sixteenth of a
            crop of 512x512.
        ignore_label: The label of void pixels.
        class_weights: w, one weight a class; None for 1.
        name: Name of the loss.
        **kwargs: What `keras.losses.Loss` takes.

    Raises:
        KerassegError: If an argument is out of its range; by a call as
            `SegmentationCrossentropy`.

    Example:
        >>> import numpy as np
        >>> labels = np.array([[[0, 0, 255]]])
        >>> logits = np.array([[[[9, 0], [0, 0], [0, 9]]]], "float32")
        >>> float(OHEMCrossentropy(min_kept=1)(labels, logits)).__round__(4)
        0.6931
    """

    def __init__(
        self,
        threshold: float = 0.7,
        min_kept: int = 16384,
        ignore_label: int = 255,
        class_weights: Sequence[float] | None = None,
        name: str = "ohem_crossentropy",
        **kwargs: Any,
    ) -> None:
        super().__init__(ignore_label, class_weights, name, **kwargs)
        if not 0 <= threshold <= 1:
            raise KerassegError(f"threshold is a probability within 0..1; received {threshold!r}.")
        check_count("min_kept", min_kept)
        self.threshold = float(threshold)
        self.min_kept = min_kept

    def of_images(self, truth: Truth, logits: tf.Tensor) -> tf.Tensor:
        """Returns `(N,)`, whose mean as Keras takes it is the loss, of float32 logits."""
        crossentropy = pixel_crossentropy(truth, logits)
        taken = self._taken(truth.weights > 0, tf.exp(-tf.stop_gradient(crossentropy)))
        return weighted_mean(crossentropy, tf.where(taken, truth.weights, 0.0))

    def _taken(self, counts: tf.Tensor, probability: tf.Tensor) -> tf.Tensor:
        """Returns which of the pixels `(N, H, W)` that count are taken."""
        # What is no number comes first: it is to be seen in the loss, and no sort can place it.
        known = tf.where(tf.math.is_nan(probability), -1.0, probability)
        ranked = tf.sort(_as_rows(tf.where(counts, known, 2.0)))
        number = tf.reduce_sum(_as_rows(tf.cast(counts, tf.int32)), axis=1)
        last = tf.maximum(tf.minimum(number, self.min_kept) - 1, 0)
        cut = tf.maximum(tf.gather(ranked, last, batch_dims=1), self.threshold)
        return tf.logical_and(counts, known <= cut[:, None, None])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the loss."""
        own = {"threshold": self.threshold, "min_kept": self.min_kept}
        return {**super().get_config(), **own}


def _as_rows(images: tf.Tensor) -> tf.Tensor:
    return tf.reshape(images, [tf.shape(images)[0], -1])
