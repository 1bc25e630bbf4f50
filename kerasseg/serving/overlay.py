"""The picture that the signature `overlay` has to answer, made without the graph."""

import numpy as np
import tensorflow as tf

from kerasseg.label_set import LabelSet
from kerasseg.serving.images import decoded
from kerasseg.serving.signatures import OVERLAY_OPACITY, OVERLAY_QUALITY
from kerasseg.visualization import overlay


def overlay_picture(pixels: np.ndarray, classes: np.ndarray, labels: LabelSet) -> np.ndarray:
    """Returns the image under the colours of its classes as a JPEG leaves it, uint8 `(H, W, 3)`.

    Args:
        pixels: uint8 `(H, W, 3)`, at most 65,500 of them a side, which is what a JPEG holds.
        classes: Class ids, `(H, W)`.
        labels: The classes and their colours.

    Raises:
        KerassegError: If the sizes differ, or a value is neither a class nor void.

    Example:
        >>> road = LabelSet(("road",), palette=((200, 0, 0),))
        >>> black = np.zeros((8, 8, 3), np.uint8)
        >>> picture = overlay_picture(black, np.zeros((8, 8), int), road)
        >>> np.allclose(picture, (100, 0, 0), atol=2)
        True
    """
    mixed = overlay(pixels, classes, labels, OVERLAY_OPACITY)
    # The quality, and the pixels that share a colour, cost the same on both sides.
    return decoded("overlay", tf.io.encode_jpeg(mixed, quality=OVERLAY_QUALITY).numpy())
