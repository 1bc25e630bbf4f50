"""A crop that is turned about its centre, clockwise for an angle above 0.

Places in the image are computed in whole numbers, in parts of a pixel, so that image and label
map are read at the same places and the label map comes out the same wherever it is computed.
"""

import math
from collections.abc import Callable

import tensorflow as tf

from kerasseg.data.augmentation.draws import between, rounded, uniform
from kerasseg.data.augmentation.void import painted, voided
from kerasseg.data.augmentation.windows import Window

# Places are counted in 2 ** -17 pixels; the centre of a pixel is half of one away from its edge.
_SHIFT = 17
_PIXEL, _HALF = 2**_SHIFT, 2 ** (_SHIFT - 1)


def draw_angle(seed: tf.Tensor, largest: float) -> tf.Tensor:
    """Returns an angle drawn evenly from ± `largest` degrees, in radians, float32."""
    limit = math.radians(largest)
    return between(uniform(seed), (-limit, limit))


def moved_to_hold(target: tf.Tensor, window: Window, angle: tf.Tensor) -> Window:
    """Returns the window moved as little as it takes to hold a pixel once it is turned.

    Args:
        target: Row and column of the pixel, int32 `(2,)`.
        window: What is taken, before it is turned about its centre.
        angle: Radians.
    """
    half = tf.cast(window.size, tf.float32) / 2
    centre = tf.cast(window.start, tf.float32) + half
    offset = _turned(tf.cast(target, tf.float32) + 0.5 - centre, -angle)
    # A pixel and a half from the edge it stays inside however the start is rounded.
    limit = tf.maximum(half - 1.5, 0.0)
    missing = _turned(offset - tf.clip_by_value(offset, -limit, limit), angle)
    return window._replace(start=window.start + rounded(missing))


def _turned(offset: tf.Tensor, angle: tf.Tensor) -> tf.Tensor:
    return tf.linalg.matvec(_rotation(angle), offset)


def _rotation(angle: tf.Tensor) -> tf.Tensor:
    """Returns the matrix that turns (row, column), float32 `(2, 2)`."""
    cosine, sine = tf.cos(angle), tf.sin(angle)
    return tf.stack([tf.stack([cosine, -sine]), tf.stack([sine, cosine])])


def turned_crop(
    read: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    label: tf.Tensor,
    window: Window,
    angle: tf.Tensor,
    crop_size: tuple[int, int],
    ignore_label: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a window of image and label map, turned about its centre, at the size of the crop.

    Beyond the image the crop is `FILL_COLOUR` and void. Neither is blended into pixels that are
    seen: at its edge the image goes on with its last pixels.

    Args:
        read: Gives the pixels of a part of the image, `(h, w, 3)`: that which bounds the window.
        label: `(H, W)`, an integer dtype, which is kept.
        window: What is taken, before it is turned.
        angle: Radians.
        crop_size: Height and width of the result, pixels.
        ignore_label: The void label.
    """
    steps = _steps(window, angle, crop_size)
    places = _places(window, steps, crop_size)
    size = tf.shape(label, out_type=tf.int64)[:, tf.newaxis, tf.newaxis]
    pixels = tf.bitwise.right_shift(places, tf.constant(_SHIFT, tf.int64))
    outside = tf.reduce_any((pixels < 0) | (pixels >= size), axis=0)
    nearest = tf.clip_by_value(pixels, 0, size - 1)
    moved = tf.gather(tf.reshape(label, [-1]), nearest[0] * size[1] + nearest[1])
    first, taken = _bounds(pixels, size[:, 0, 0])
    image = _bilinear(read(first, taken), first, places[:, 0, 0], steps, crop_size)
    return painted(image, outside), voided(moved, outside, ignore_label)


def _steps(window: Window, angle: tf.Tensor, crop_size: tuple[int, int]) -> tf.Tensor:
    """Returns how a row and a column of the crop move the place in the image, int64 `(2, 2)`.

    In halves of the parts of a pixel: they count the halves of the crop's pixels.
    """
    scale = tf.cast(window.size, tf.float32) / tf.constant(crop_size, tf.float32)
    return rounded(_rotation(angle) * scale * _HALF, tf.int64)


def _places(window: Window, steps: tf.Tensor, crop_size: tuple[int, int]) -> tf.Tensor:
    """Returns where in the image the centre of each pixel of the crop lies, int64 `(2, h, w)`."""
    rows, columns = (2 * tf.range(side, dtype=tf.int64) + 1 - side for side in crop_size)
    centre = tf.cast(2 * window.start + window.size, tf.int64) * _HALF
    down = steps[:, 0, tf.newaxis, tf.newaxis] * rows[:, tf.newaxis]
    right = steps[:, 1, tf.newaxis, tf.newaxis] * columns
    return centre[:, tf.newaxis, tf.newaxis] + down + right


def _bounds(pixels: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns first pixel and size of the part of the image that is read, int32 `(2,)` each."""
    corners = tf.stack([pixels[:, row, column] for row in (0, -1) for column in (0, -1)])
    # One pixel more on each side, for the neighbours that are blended in.
    first = tf.clip_by_value(tf.reduce_min(corners, axis=0) - 1, 0, size - 1)
    end = tf.clip_by_value(tf.reduce_max(corners, axis=0) + 2, first + 1, size)
    return tf.cast(first, tf.int32), tf.cast(end - first, tf.int32)


def _bilinear(
    pixels: tf.Tensor,
    first: tf.Tensor,
    place: tf.Tensor,
    steps: tf.Tensor,
    crop_size: tuple[int, int],
) -> tf.Tensor:
    """Returns the crop, float32 `(h, w, 3)`, that begins at `place`; `pixels` begin at `first`."""
    place = place - tf.cast(first, tf.int64) * _PIXEL - _HALF
    step, origin = tf.cast(steps, tf.float32) / _HALF, tf.cast(place, tf.float32) / _PIXEL
    (y_row, y_column), (x_row, x_column) = tf.unstack(step[0]), tf.unstack(step[1])
    transform = tf.stack([x_column, x_row, origin[1], y_column, y_row, origin[0], 0.0, 0.0])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(pixels, tf.float32)[tf.newaxis],
        transforms=transform[tf.newaxis],
        output_shape=tf.constant(crop_size, tf.int32),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )[0]
