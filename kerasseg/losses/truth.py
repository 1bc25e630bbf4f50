"""The truth of a batch, in which void is told apart, and what the losses compare with it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf


class Truth(NamedTuple):
    """What is known of each pixel.

    Attributes:
        classes: int32 `(N, H, W)`, 0 where it is void.
        valid: bool `(N, H, W)`, False where it is void.
        weights: float32 `(N, H, W)`, the weight of the class, 0 where it is void.
    """

    classes: tf.Tensor
    valid: tf.Tensor
    weights: tf.Tensor


def read_truth(
    labels: tf.Tensor, ignore_label: int, class_weights: Sequence[float] | None
) -> Truth:
    """Returns what the labels `(N, H, W)` or `(N, H, W, 1)` say, of any dtype."""
    if labels.shape.rank == 4:
        labels = tf.squeeze(labels, axis=-1)
    # uint8 could not hold every ignore label, and Keras hands the labels over as float32.
    labels = tf.cast(labels, tf.int32)
    valid = tf.not_equal(labels, ignore_label)
    classes = tf.where(valid, labels, 0)
    if class_weights is None:
        return Truth(classes, valid, tf.cast(valid, tf.float32))
    weights = tf.gather(tf.constant(class_weights, tf.float32), classes)
    return Truth(classes, valid, tf.where(valid, weights, 0.0))


def pixel_crossentropy(truth: Truth, logits: tf.Tensor) -> tf.Tensor:
    """Returns `-log softmax(logits)[y]`, `(N, H, W)`, 0 where the weight is 0.

    No value of the logits there, infinite or undefined, reaches a loss or its gradient.
    """
    counts = truth.weights > 0
    return tf.where(counts, _crossentropy(logits, tf.where(counts, truth.classes, 0)), 0.0)


@tf.custom_gradient
def _crossentropy(logits: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """Returns the cross-entropy `(N, H, W)`, whose gradient is 0 wherever that of the loss is.

    That of `tf.nn` is no number at a pixel of infinite logits, though it be multiplied by 0; and
    masking the logits first takes a quarter longer.
    """
    flat = tf.reshape(logits, [-1, logits.shape[-1]])
    pixels, slopes = _pixels_and_slopes(flat, tf.reshape(classes, [-1]))

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        product = tf.math.multiply_no_nan(slopes, tf.reshape(upstream, [-1, 1]))
        return tf.reshape(product, tf.shape(logits)), None

    return tf.reshape(pixels, tf.shape(classes)), gradient


def _pixels_and_slopes(logits: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the cross-entropy `(P,)` of logits `(P, C)` and its gradient `(P, C)`."""
    if not _needs_deterministic_gpu():
        return tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=logits, labels=classes)
    logarithms = tf.nn.log_softmax(logits)
    pixels = -tf.gather(logarithms, classes, batch_dims=1)
    return pixels, tf.exp(logarithms) - tf.one_hot(classes, logits.shape[-1])


def _needs_deterministic_gpu() -> bool:
    """Whether the fused operation would refuse to run: a GPU has no deterministic one."""
    from tensorflow.python.framework.config import is_op_determinism_enabled

    return is_op_determinism_enabled() and bool(tf.config.list_physical_devices("GPU"))


def class_maps(truth: Truth, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the softmax and the truth as one map a class, `(N, H, W, C)`, both 0 at void."""
    valid = truth.valid[..., None]
    here = tf.cast(valid, tf.float32)
    with tf.control_dependencies([_check_known(truth.classes, logits.shape[-1])]):
        occurs = tf.one_hot(truth.classes, logits.shape[-1]) * here
    # Masked before the softmax: its gradient would be no number at a pixel of infinite logits.
    return tf.nn.softmax(tf.where(valid, logits, 0.0)) * here, occurs


def sum_of_pixels(maps: tf.Tensor) -> tf.Tensor:
    """Returns the sum `(N, C)` of maps `(N, H, W, C)`."""
    # Row by row: in one long sum float32 would round each of its small terms to the whole.
    return tf.reduce_sum(tf.reduce_sum(maps, axis=2), axis=1)


def _check_known(classes: tf.Tensor, count: int) -> tf.Operation | None:
    """Stops at a label that would be in no map."""
    smallest, largest = tf.reduce_min(classes), tf.reduce_max(classes)
    return tf.debugging.Assert(
        tf.logical_and(smallest >= 0, largest < count),
        [
            f"a label is neither a class, [0, {count}), nor void; the smallest and the largest "
            "beside void:",
            smallest,
            largest,
        ],
    )
