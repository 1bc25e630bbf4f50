"""Counting the pixels of label maps in a graph."""

from typing import NamedTuple

import tensorflow as tf


class Labels(NamedTuple):
    """The truth of a batch, in which void is told apart.

    Attributes:
        classes: int32 `(N, H, W)`, 0 where it is void.
        valid: bool `(N, H, W)`, False where it is void.
    """

    classes: tf.Tensor
    valid: tf.Tensor


def read_labels(truth: tf.Tensor, num_classes: int, ignore_label: int) -> Labels:
    """Returns what labels `(N, H, W)` or `(N, H, W, 1)` of any dtype say.

    Raises:
        tf.errors.InvalidArgumentError: For a label that is neither class nor void.
    """
    # In int32: uint8 could not hold every ignore label.
    labels = tf.cast(truth, tf.int32)
    if labels.shape.rank == 4:
        labels = tf.squeeze(labels, axis=-1)
    valid = tf.not_equal(labels, ignore_label)
    classes = tf.where(valid, labels, 0)
    with tf.control_dependencies([_assert_known(classes, num_classes, ignore_label)]):
        return Labels(tf.identity(classes), valid)


def predicted_classes(logits: tf.Tensor) -> tf.Tensor:
    """Returns int32 `(N, H, W)`, the class of the highest logit or probability."""
    return _compiled_argmax(logits) if _is_worth_compiling(logits) else _argmax(logits)


def _is_worth_compiling(logits: tf.Tensor) -> bool:
    """Returns whether XLA's argmax is to take the place of TensorFlow's.

    On a CPU it takes an eighth of the time, which is most of what a metric costs a training step.
    It is compiled for each shape anew, and Keras cannot compile within a strategy.
    """
    return (
        not tf.executing_eagerly()
        and logits.shape.is_fully_defined()
        and not tf.distribute.has_strategy()
        and not tf.config.list_logical_devices("GPU")
    )


def _argmax(logits: tf.Tensor) -> tf.Tensor:
    return tf.argmax(logits, axis=-1, output_type=tf.int32)


_compiled_argmax = tf.function(_argmax, jit_compile=True, autograph=False)


def _assert_known(classes: tf.Tensor, num_classes: int, ignore_label: int) -> tf.Operation | None:
    """Stops at a label that would be counted in another place, or nowhere."""
    smallest, largest = tf.reduce_min(classes), tf.reduce_max(classes)
    return tf.debugging.Assert(
        tf.logical_and(smallest >= 0, largest < num_classes),
        [
            f"the metric received a label that is neither a class, [0, {num_classes}), nor "
            f"void, {ignore_label}; the smallest and the largest beside void:",
            smallest,
            largest,
        ],
    )


def bin_counts(
    places: tf.Tensor, size: int | tf.Tensor, weights: tf.Tensor | None = None
) -> tf.Tensor:
    """Returns how often each of the numbers below `size` occurs, or the sum of its weights.

    Unlike `tf.math.bincount` it can be compiled by XLA where `size` is a plain number.

    Args:
        places: int32 `(P,)`, or `(N, P)` to count each row for itself.
        size: How many numbers there are.
        weights: As `places`, int64; None for 1 each.

    Returns:
        `(size,)` or `(N, size)`, int32, or the dtype of the weights.
    """
    own = tf.constant([], tf.int32) if weights is None else weights
    # On a GPU the operation refuses to run where deterministic ones are asked for.
    with tf.device("CPU"):
        return tf.raw_ops.DenseBincount(input=places, size=size, weights=own, binary_output=False)


def class_counts(classes: tf.Tensor, chosen: tf.Tensor, num_classes: int) -> tf.Tensor:
    """Returns the chosen pixels of each class in each image, int32 `(N, C)`.

    Args:
        classes: int32 `(N, H, W)`.
        chosen: bool `(N, H, W)`.
        num_classes: C.
    """
    # Those that are not chosen go to a place of their own behind the classes, which is cut off.
    places = tf.where(chosen, classes, num_classes)
    return bin_counts(_rows(places), num_classes + 1)[:, :num_classes]


def _rows(maps: tf.Tensor) -> tf.Tensor:
    """Returns maps `(N, H, W)` as `(N, H·W)`."""
    shape = tf.shape(maps)
    return tf.reshape(maps, [shape[0], shape[1] * shape[2]])
