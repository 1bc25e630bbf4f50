"""Encoded images of every kind that clients send to pixels, by stock operations alone."""

from functools import partial

import tensorflow as tf

from kerasseg.data.decoding import decode_image
from kerasseg.serving.bitmap import decode_bitmap
from kerasseg.serving.file_bytes import begins, values
from kerasseg.serving.gif import decode_gif
from kerasseg.serving.headers import BMP, GIF, RIFF, WEBP
from kerasseg.serving.webp import decode_webp


def decode_file(contents: tf.Tensor) -> tf.Tensor:
    """Returns the pixels of an encoded image, upright, uint8 `(H, W, 3)`.

    Grey becomes three channels, 16 bits their upper eight, and of what is transparent the colour
    counts, however little of it is to be seen.

    Args:
        contents: A scalar string: JPEG, PNG, GIF of which the first frame counts, BMP or WebP.

    Raises:
        tf.errors.InvalidArgumentError: If it cannot be decoded.

    Example:
        >>> decode_file(tf.io.encode_png(tf.zeros((4, 6, 1), tf.uint8))).shape
        TensorShape([4, 6, 3])
    """
    head = values(contents, 0, 12)
    kinds = [begins(head, BMP), begins(head, GIF), begins(head, RIFF) & begins(head, WEBP, 8)]
    decoders = [decode_image, decode_bitmap, decode_gif, decode_webp]
    kind = tf.reduce_sum(tf.cast(tf.stack(kinds), tf.int32) * [1, 2, 3])
    branches = [partial(decode, contents) for decode in decoders]
    return tf.ensure_shape(tf.switch_case(kind, branches), (None, None, 3))
