"""Losses over label maps with void pixels."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError


@keras.saving.register_keras_serializable(package="kerasseg")
class SegmentationCrossentropy(keras.losses.Loss):
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

    Raises:
        KerassegError: By a call with logits of one channel, whose softmax is always 1.

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
        super().__init__(name=name, **kwargs)
        self.ignore_label = ignore_label
        self.class_weights = None if class_weights is None else tuple(map(float, class_weights))

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns `(N,)`: each image's share, scaled so that the mean over N is the loss.

        A loss that returned the scalar itself would be multiplied by the number of replicas.
        """
        if y_pred.shape[-1] == 1:
            raise KerassegError(
                "SegmentationCrossentropy takes logits of at least 2 channels; of one it is always "
                "0.\nFor a mask of one thing build the model with num_classes=2, or take "
                "keras.losses.BinaryCrossentropy(from_logits=True)."
            )
        if y_true.shape.rank == y_pred.shape.rank:
            y_true = tf.squeeze(y_true, axis=-1)
        # uint8 could not hold every ignore label, and Keras hands the labels over as float32.
        y_true = tf.cast(y_true, tf.int32)
        weights = self._weights(y_true)
        classes = tf.where(weights > 0, y_true, 0)
        pixels = tf.math.multiply_no_nan(_crossentropy(y_pred, classes), weights)
        images = tf.reduce_sum(pixels, axis=(1, 2))
        num_images = tf.cast(tf.shape(images)[0], tf.float32)
        total = _sum_over_replicas(tf.reduce_sum(weights))
        # Keras divides the sum by its own number of images and by the number of replicas.
        return images * num_images * tf.math.divide_no_nan(_replicas(), total)

    def _weights(self, y_true: tf.Tensor) -> tf.Tensor:
        """Returns the weight of every pixel, 0 where it is void."""
        valid = tf.not_equal(y_true, self.ignore_label)
        if self.class_weights is None:
            return tf.cast(valid, tf.float32)
        classes = tf.where(valid, y_true, 0)
        return tf.where(valid, tf.gather(tf.constant(self.class_weights), classes), 0.0)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the loss."""
        return {
            **super().get_config(),
            "ignore_label": self.ignore_label,
            "class_weights": self.class_weights,
        }


@tf.custom_gradient
def _crossentropy(logits: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """Returns the cross-entropy `(N, H, W)`, whose gradient is 0 wherever that of the loss is.

    That of `tf.nn` is no number at a pixel of infinite logits, though it be multiplied by 0; and
    masking the logits first takes a quarter longer.
    """
    flat = tf.reshape(logits, [-1, logits.shape[-1]])
    pixels, slopes = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(
        features=flat, labels=tf.reshape(classes, [-1])
    )

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        product = tf.math.multiply_no_nan(slopes, tf.reshape(upstream, [-1, 1]))
        return tf.reshape(product, tf.shape(logits)), None

    return tf.reshape(pixels, tf.shape(classes)), gradient


def _replicas() -> tf.Tensor:
    return tf.constant(tf.distribute.get_strategy().num_replicas_in_sync, tf.float32)


def _sum_over_replicas(value: tf.Tensor) -> tf.Tensor:
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
