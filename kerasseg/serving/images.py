"""Encoded images decoded as the served model decodes them."""

import numpy as np
import tensorflow as tf

from kerasseg.errors import KerassegError


def decoded(name: str, image: bytes) -> np.ndarray:
    """Returns the pixels of an encoded image, uint8 `(H, W, 3)`; of a GIF the first frame.

    Args:
        name: What messages call it.
        image: A whole JPEG, PNG, GIF, BMP or WebP file.

    Raises:
        KerassegError: If it cannot be decoded.

    Example:
        >>> decoded("grey.png", tf.io.encode_png(tf.zeros((4, 6, 1), tf.uint8)).numpy()).shape
        (4, 6, 3)
    """
    try:
        return tf.io.decode_image(image, channels=3, expand_animations=False).numpy()
    except tf.errors.InvalidArgumentError:
        raise KerassegError(
            f"{name} cannot be decoded: give a whole JPEG, PNG, GIF, BMP or WebP file, or leave "
            "it out."
        ) from None
