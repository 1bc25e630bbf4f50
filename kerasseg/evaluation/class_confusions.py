"""The confusion matrix of each image of a batch, from its classes."""

import tensorflow as tf


def class_confusions(
    truth: tf.Tensor, classes: tf.Tensor, num_classes: int, ignore_label: int
) -> tf.Tensor:
    """Returns the confusion matrix of each image, int64 `(N, C, C)`, void left out.

    Args:
        truth: Labels `(N, H, W)`, any integer dtype.
        classes: What was predicted, `(N, H, W)`, any integer dtype, 0..C-1.
        num_classes: C.
        ignore_label: The label of void pixels.

    Raises:
        tf.errors.InvalidArgumentError: For a label that is neither class nor void.

    Example:
        >>> import numpy as np
        >>> truth, classes = np.array([[[0, 1, 255]]]), np.array([[[0, 0, 1]]])
        >>> class_confusions(truth, classes, 2, 255).numpy().tolist()
        [[[1, 0], [1, 0]]]
    """
    truth, classes = tf.cast(truth, tf.int32), tf.cast(classes, tf.int32)
    valid = tf.not_equal(truth, ignore_label)
    known = tf.where(valid, truth, 0)
    size = tf.shape(truth)[0] * num_classes**2
    first = tf.range(tf.shape(truth)[0])[:, None, None] * num_classes**2
    with tf.control_dependencies([_assert_classes(known, num_classes, ignore_label)]):
        # Void goes to a place of its own behind the matrices, which is cut off.
        places = tf.where(valid, first + truth * num_classes + classes, size)
    counts = tf.raw_ops.DenseBincount(
        input=tf.reshape(places, [-1]),
        size=size + 1,
        weights=tf.constant([], tf.int32),
        binary_output=False,
    )
    return tf.cast(tf.reshape(counts[:-1], (-1, num_classes, num_classes)), tf.int64)


def _assert_classes(labels: tf.Tensor, num_classes: int, ignore_label: int) -> tf.Operation | None:
    smallest, largest = tf.reduce_min(labels), tf.reduce_max(labels)
    return tf.debugging.Assert(
        tf.logical_and(smallest >= 0, largest < num_classes),
        [
            f"a label is neither a class, [0, {num_classes}), nor void, {ignore_label}; the "
            "smallest and the largest beside void:",
            smallest,
            largest,
        ],
    )
