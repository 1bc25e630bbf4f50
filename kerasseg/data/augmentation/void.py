"""What is not there to be seen: its colour in the image, and void in the label map."""

from collections.abc import Callable

import tensorflow as tf

# The mean of ImageNet: about zero after the normalisation of most backbones.
FILL_COLOUR = (124.0, 116.0, 104.0)

Paint = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def painted(image: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
    """Returns the image `(H, W, 3)` with `FILL_COLOUR` where `hidden`, bool `(H, W)`, is true."""
    return tf.where(hidden[..., tf.newaxis], tf.constant(FILL_COLOUR), image)


def voided(label: tf.Tensor, hidden: tf.Tensor, ignore_label: int) -> tf.Tensor:
    """Returns the label map `(H, W)` with void where `hidden`, bool `(H, W)`, is true."""
    return tf.where(hidden, tf.cast(ignore_label, label.dtype), label)
