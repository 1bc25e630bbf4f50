"""Random parts of an image that are hidden: a rectangle, or the squares of a grid.

The label map becomes void there: the loss must not ask for what cannot be seen.
"""

import math

import tensorflow as tf

from kerasseg.data.augmentation.draws import between, place, rounded, uniform
from kerasseg.data.augmentation.void import Paint, painted, voided

# Places in a grid are counted in 2 ** -17 pixels, in whole numbers: the same everywhere.
_PIXEL = 2**17


def random_cutout(
    image: tf.Tensor,
    label: tf.Tensor,
    seed: tf.Tensor,
    probability: float,
    size: tuple[float, float],
    ignore_label: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns image and label map, at times with a rectangle of `FILL_COLOUR` and void.

    DeVries and Taylor, arXiv 1708.04552; the rectangle lies inside the image.

    Args:
        image: `(H, W, 3)`, 0..255, float32.
        label: `(H, W)`, an integer dtype, which is kept.
        seed: Two integers.
        probability: How often they are changed.
        size: Smallest and largest side of the rectangle, as a part of that of the image.
        ignore_label: The void label.
    """

    def covered() -> tuple[tf.Tensor, tf.Tensor]:
        whole = tf.shape(label)
        sides = rounded(between(draw[1:3], size) * tf.cast(whole, tf.float32))
        sides = tf.clip_by_value(sides, 1, whole)
        hidden = rectangle(place(draw[3:5], whole - sides), sides, whole)
        return painted(image, hidden), voided(label, hidden, ignore_label)

    draw = uniform(seed, (5,))
    return tf.cond(draw[0] < probability, covered, lambda: (image, label))


def rectangle(start: tf.Tensor, size: tf.Tensor, whole: tf.Tensor) -> tf.Tensor:
    """Returns where a rectangle lies, bool `(..., H, W)`.

    Args:
        start: Its first row and column, int32 `(..., 2)`.
        size: Its height and width, int32 `(..., 2)`.
        whole: H and W, int32 `(2,)`.
    """
    end = start + size
    rows, columns = (
        (tf.range(whole[axis]) >= start[..., axis, tf.newaxis])
        & (tf.range(whole[axis]) < end[..., axis, tf.newaxis])
        for axis in (0, 1)
    )
    return rows[..., :, tf.newaxis] & columns[..., tf.newaxis, :]


def random_grid_mask(
    image: tf.Tensor,
    label: tf.Tensor,
    seed: tf.Tensor,
    probability: float,
    ratio: tuple[float, float],
    ignore_label: int,
    paint: Paint = painted,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns image and label map, at times with `FILL_COLOUR` and void in the squares of a grid.

    Chen et al., arXiv 2001.04086.

    Args:
        image: `(H, W, 3)`, 0..255, float32.
        label: `(H, W)`, an integer dtype, which is kept.
        seed: Two integers.
        probability: How often they are changed.
        ratio: Smallest and largest side of the squares, as a part of the distance between two.
        ignore_label: The void label.
        paint: What hides: a function of the image and of a mask, bool `(H, W)`.
    """

    def covered() -> tuple[tf.Tensor, tf.Tensor]:
        hidden = _grid(draw[1:], tf.shape(label), ratio)
        return paint(image, hidden), voided(label, hidden, ignore_label)

    draw = uniform(seed, (6,))
    return tf.cond(draw[0] < probability, covered, lambda: (image, label))


def _grid(draw: tf.Tensor, size: tf.Tensor, ratio: tuple[float, float]) -> tf.Tensor:
    """Returns the squares of a turned grid, bool `(H, W)`, for five draws within [0, 1).

    The distance of two squares is a quarter to a half of the shorter side of the image.
    """
    shorter = tf.cast(tf.reduce_min(size), tf.float32)
    distance = tf.maximum(between(draw[0], (0.25, 0.5)) * shorter, 1.0) * _PIXEL
    square = rounded(between(draw[1], ratio) * distance, tf.int64)
    offset = rounded(draw[2:4] * distance, tf.int64)
    angle = draw[4] * (math.pi / 2)
    cosine, sine = (rounded(f(angle) * _PIXEL, tf.int64) for f in (tf.cos, tf.sin))
    rows, columns = (tf.range(tf.cast(size[axis], tf.int64)) for axis in (0, 1))
    rows = rows[:, tf.newaxis]
    along = cosine * rows - sine * columns + offset[0]
    across = sine * rows + cosine * columns + offset[1]
    period = rounded(distance, tf.int64)
    return (along % period < square) & (across % period < square)
