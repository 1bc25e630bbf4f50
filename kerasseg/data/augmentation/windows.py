"""Which part of an image becomes a crop, drawn before a pixel of the image is touched."""

from typing import NamedTuple

import tensorflow as tf

from kerasseg.data.augmentation.draws import between, place, rounded, uniform


class Window(NamedTuple):
    """The part of an image that becomes a crop; it may reach beyond the image.

    Attributes:
        start: Its first row and column in pixels of the image, int32 `(2,)`.
        size: Its height and width in pixels of the image, int32 `(2,)`.
    """

    start: tf.Tensor
    size: tf.Tensor


def draw_window(
    image_size: tf.Tensor,
    seed: tf.Tensor,
    crop_size: tuple[int, int],
    scale: tuple[float, float],
    target: tf.Tensor | None = None,
) -> Window:
    """Returns a random window of the size that the scale turns into that of the crop.

    Its sides are whole pixels of the image, so the factor is exact to half a pixel in the crop.
    On each axis a window that is smaller than the image lies inside it, one that is larger holds
    it whole.

    Args:
        image_size: Height and width, int32 `(2,)`.
        seed: Two integers.
        crop_size: Height and width of the crop, pixels.
        scale: Smallest and largest factor.
        target: Row and column of a pixel that the window must hold, int32 `(2,)`.
    """
    draw = uniform(seed, (3,))
    crop = tf.constant(crop_size, tf.float32)
    size = tf.maximum(rounded(crop / between(draw[0], scale)), 1)
    lowest, highest = tf.minimum(image_size - size, 0), tf.maximum(image_size - size, 0)
    if target is not None:
        lowest, highest = tf.maximum(lowest, target - size + 1), tf.minimum(highest, target)
    return Window(lowest + place(draw[1:], highest - lowest), size)


def middle_of_what_is_seen(window: Window, image_size: tf.Tensor) -> tf.Tensor:
    """Returns row and column of the middle of what a window holds of an image, int32 `(2,)`."""
    end = tf.minimum(window.start + window.size, image_size)
    return (tf.maximum(window.start, 0) + end) // 2


def draw_target(label: tf.Tensor, seed: tf.Tensor, ignore_label: int) -> tf.Tensor:
    """Returns row and column of a random pixel, int32 `(2,)`, every class being as likely.

    A class is drawn evenly among those that occur, then a pixel among its own. Void is no class,
    but where all is void any pixel is drawn.

    Args:
        label: `(H, W)`, an integer dtype.
        seed: Two integers.
        ignore_label: The void label.
    """
    draw = uniform(seed, (2,))
    ids = tf.reshape(tf.cast(label, tf.int32), [-1])
    occurs = tf.math.bincount(ids) > 0
    occurs &= tf.range(tf.size(occurs)) != ignore_label
    classes = tf.cast(tf.where(occurs)[:, 0], tf.int32)
    # Where no class occurs void stands in for it, which is then at every pixel.
    choice = place(draw[0], tf.maximum(tf.size(classes) - 1, 0))
    chosen = tf.concat([classes, [ignore_label]], axis=0)[choice]
    pixels = tf.where(ids == chosen)[:, 0]
    pixel = tf.cast(pixels[place(draw[1], tf.size(pixels) - 1)], tf.int32)
    width = tf.shape(label)[1]
    return tf.stack([pixel // width, pixel % width])
