"""The confusion matrix of each image of a batch."""

import tensorflow as tf

from kerasseg.evaluation.metrics.counting import bin_counts, predicted_classes, read_labels


def image_confusions(truth: tf.Tensor, logits: tf.Tensor, ignore_label: int) -> tf.Tensor:
    """Returns the confusion matrix of each image, int64 `(N, C, C)`, void left out.

    Args:
        truth: Labels `(N, H, W)`, any integer dtype.
        logits: Logits or probabilities `(N, H, W, C)`.
        ignore_label: The label of void pixels.

    Raises:
        tf.errors.InvalidArgumentError: For a label that is neither class nor void.

    Example:
        >>> import numpy as np
        >>> truth, logits = np.array([[[0, 1, 255]]]), np.eye(2)[[[[0, 0, 1]]]]
        >>> image_confusions(truth, logits, 255).numpy().tolist()
        [[[1, 0], [1, 0]]]
    """
    classes = logits.shape[-1]
    labels = read_labels(truth, classes, ignore_label)
    images = tf.shape(labels.classes)[0]
    first = tf.range(images)[:, None, None] * classes**2
    # Void goes to a place of its own behind the matrices, which is cut off.
    place = first + labels.classes * classes + predicted_classes(logits)
    place = tf.where(labels.valid, place, images * classes**2)
    counts = bin_counts(tf.reshape(place, [-1]), images * classes**2 + 1)
    return tf.cast(tf.reshape(counts[:-1], (images, classes, classes)), tf.int64)
