"""Cross-entropy over label maps with void pixels."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasseg.losses.global_batch import weighted_mean
from kerasseg.losses.segmentation_loss import SegmentationLoss
from kerasseg.losses.truth import Truth, pixel_crossentropy


@keras.saving.register_keras_serializable(package="kerasseg")
class SegmentationCrossentropy(SegmentationLoss):
    """Cross-entropy of logits, averaged over the valid pixels of the global batch.

    `sum_p w(y_p) · -log softmax(logits_p)[y_p] / sum_p w(y_p)` over every pixel p that is not
    void, in the whole batch, on all replicas: a replica whose images hold much void weighs no
    more than its valid pixels. Keras' own loss averages within each replica. Void pixels
    change neither the loss nor its gradient, infinite and undefined logits there included. A
    batch of nothing but void has loss 0.

    Call arguments:
        y_true: Labels `(N, H, W)` or `(N, H, W, 1)`, any integer dtype.
        y_pred: Logits `(N, H, W, C)`, C at least 2.

    Args:
        ignore_label: The label of void pixels.
        class_weights: w, one weight a class; None for 1.
        name: Name of the loss.
        **kwargs: What `keras.losses.Loss` takes.

    Raises:
        KerassegError: By a call with logits of one channel, whose softmax is always 1, or of
            other than one channel a weight.

    Example:
        >>> import numpy as np
        >>> labels, logits = np.array([[[0, 255]]]), np.zeros((1, 1, 2, 2), "float32")
        >>> float(SegmentationCrossentropy()(labels, logits)).__round__(4)
        0.6931
    """

    def __init__(
        self,
        ignore_label: int = 255,
        class_weights: Sequence[float] | None = None,
        name: str = "segmentation_crossentropy",
        **kwargs: Any,
    ) -> None:
        super().__init__(ignore_label, class_weights, name, **kwargs)

    def of_images(self, truth: Truth, logits: tf.Tensor) -> tf.Tensor:
        """Returns `(N,)`, whose mean as Keras takes it is the loss, of float32 logits."""
        return weighted_mean(pixel_crossentropy(truth, logits), truth.weights)
