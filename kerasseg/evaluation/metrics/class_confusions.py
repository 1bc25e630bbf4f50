"""The confusion matrix of each image of a batch, from its classes."""

import tensorflow as tf

from kerasseg.evaluation.metrics.counting import bin_counts, read_labels


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
    labels = read_labels(truth, num_classes, ignore_label)
    images = tf.shape(labels.classes)[0]
    first = tf.range(images)[:, None, None] * num_classes**2
    place = first + labels.classes * num_classes + tf.cast(classes, tf.int32)
    # Void goes to a place of its own behind the matrices, which is cut off.
    place = tf.where(labels.valid, place, images * num_classes**2)
    counts = bin_counts(tf.reshape(place, [-1]), images * num_classes**2 + 1)
    return tf.cast(tf.reshape(counts[:-1], (images, num_classes, num_classes)), tf.int64)
