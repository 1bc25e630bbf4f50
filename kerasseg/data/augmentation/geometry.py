"""Random scale, crop, rotation and flip: image and label map are moved alike.

Only the window of the image that is kept is read. The image is resampled bilinearly and the
label map by nearest neighbour on the same grid (pixel centres at halves), so that nothing shifts
between them and no class id is ever blended; what lies outside the image becomes void.
"""

from collections.abc import Callable
from typing import Literal

import tensorflow as tf

from kerasseg.data.augmentation.draws import fold, rounded, uniform
from kerasseg.data.augmentation.rotation import draw_angle, moved_to_hold, turned_crop
from kerasseg.data.augmentation.void import FILL_COLOUR
from kerasseg.data.augmentation.windows import (
    Window,
    draw_target,
    draw_window,
    middle_of_what_is_seen,
)

CropMode = Literal["uniform", "class_balanced"]
WindowReader = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def random_scale_crop(
    image: tf.Tensor | WindowReader,
    label: tf.Tensor,
    seed: tf.Tensor,
    crop_size: tuple[int, int],
    scale: tuple[float, float],
    ignore_label: int,
    *,
    crop: CropMode = "uniform",
    rotation: float = 0.0,
    mirrored: tf.Tensor | bool = False,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a crop of the scaled image, float32 `(h, w, 3)`, and of its label map `(h, w)`.

    Where the scaled image is smaller than the crop it lies at a random place in it, round it
    `FILL_COLOUR` and void.

    Args:
        image: `(H, W, 3)`, 0..255; or a function from the first row and column and the height
            and width of a window, each int32 `(2,)`, to its pixels.
        label: `(H, W)`, an integer dtype, which is kept.
        seed: Two integers.
        crop_size: Height and width of the result, pixels.
        scale: Smallest and largest factor.
        ignore_label: The void label.
        crop: Which window is taken; see `kerasseg.data.Augmentation`.
        rotation: Largest turn of the crop about its centre, degrees.
        mirrored: Whether left and right of the crop change places, a bool scalar.
    """
    read = image if callable(image) else _slices(image)
    balanced = crop == "class_balanced"
    target = draw_target(label, fold(seed, 1), ignore_label) if balanced else None
    window = draw_window(tf.shape(label), seed, crop_size, scale, target)
    if not rotation:
        return straight_crop(read, label, window, crop_size, ignore_label, mirrored)
    angle = draw_angle(fold(seed, 2), rotation)
    # A small image in a corner of its window would otherwise be turned out of it.
    kept = middle_of_what_is_seen(window, tf.shape(label)) if target is None else target
    window = moved_to_hold(kept, window, angle)
    image, label = turned_crop(read, label, window, angle, crop_size, ignore_label)
    return _mirrored_if(mirrored, image), _mirrored_if(mirrored, label)


def _mirrored_if(mirrored: tf.Tensor | bool, pixels: tf.Tensor, axis: int = 1) -> tf.Tensor:
    if mirrored is False:
        return pixels
    return tf.cond(mirrored, lambda: tf.reverse(pixels, [axis]), lambda: pixels)


def _slices(image: tf.Tensor) -> WindowReader:
    image = tf.convert_to_tensor(image)
    channels = image.shape[2]

    def read(start: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        return tf.slice(image, tf.concat([start, [0]], 0), tf.concat([size, [channels]], 0))

    return read


def straight_crop(
    read: WindowReader,
    label: tf.Tensor,
    window: Window,
    crop_size: tuple[int, int],
    ignore_label: int,
    mirrored: tf.Tensor | bool = False,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a window of image and label map at the size of the crop, void outside the image.

    Args:
        read: Gives the pixels of a part of the image, `(h, w, 3)`.
        label: `(H, W)`, an integer dtype, which is kept.
        window: What is taken; a part of it at least lies inside the image.
        crop_size: Height and width of the result, pixels.
        ignore_label: The void label.
        mirrored: Whether left and right change places, a bool scalar.
    """
    crop = tf.constant(crop_size, tf.int32)
    first = tf.maximum(window.start, 0)
    taken = tf.minimum(window.start + window.size, tf.shape(label)) - first
    # Rounding, as what is taken is a part of the window that need not divide the crop.
    filled = tf.maximum(_at_scale_of(crop, window, taken), 1)
    before = tf.minimum(_at_scale_of(crop, window, first - window.start), crop - filled)
    # Mirrored as bytes: the mirror image of the crop costs four times as much.
    pixels = _mirrored_if(mirrored, read(first, taken))
    # From bytes the resize takes twice the time.
    image = tf.image.resize(tf.cast(pixels, tf.float32), filled)
    label = _nearest(label, first, taken, filled, mirrored)

    def padded() -> tuple[tf.Tensor, tf.Tensor]:
        after = crop - filled - before
        at_left = before[1] if mirrored is False else tf.where(mirrored, after[1], before[1])
        place = tf.stack([before[0], at_left])
        return _pad(image, label, place, crop - filled - place, ignore_label)

    return tf.cond(tf.reduce_all(filled == crop), lambda: (image, label), padded)


def _at_scale_of(crop: tf.Tensor, window: Window, lengths: tf.Tensor) -> tf.Tensor:
    """Returns what lengths in pixels of the image are in pixels of the crop, int32 `(2,)`."""
    return rounded(tf.cast(crop * lengths, tf.float32) / tf.cast(window.size, tf.float32))


def _nearest(
    label: tf.Tensor,
    start: tf.Tensor,
    taken: tf.Tensor,
    filled: tf.Tensor,
    mirrored: tf.Tensor | bool,
) -> tf.Tensor:
    """Returns the window of a label map resized by nearest neighbour, in whole numbers."""
    rows, columns = (
        first + (2 * tf.range(count) + 1) * length // (2 * count)
        for first, length, count in zip(*map(tf.unstack, (start, taken, filled)), strict=True)
    )
    columns = _mirrored_if(mirrored, columns, axis=0)
    # Twice by rows with transpositions takes half the time of a gather along the columns.
    return tf.transpose(tf.gather(tf.transpose(tf.gather(label, rows)), columns))


def _pad(
    image: tf.Tensor, label: tf.Tensor, before: tf.Tensor, after: tf.Tensor, ignore_label: int
) -> tuple[tf.Tensor, tf.Tensor]:
    margins = tf.stack([before, after], axis=1)
    # Joining takes half the time of tf.pad, which knows one value for all three colours.
    across = [_filled(tf.shape(image)[0], before[1]), image, _filled(tf.shape(image)[0], after[1])]
    image = tf.concat(across, axis=1)
    down = [_filled(before[0], tf.shape(image)[1]), image, _filled(after[0], tf.shape(image)[1])]
    padded = tf.concat(down, axis=0)
    return padded, tf.pad(label, margins, constant_values=tf.cast(ignore_label, label.dtype))


def _filled(height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    return tf.broadcast_to(tf.constant(FILL_COLOUR), tf.stack([height, width, 3]))


def random_vertical_flip(
    image: tf.Tensor, label: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns image `(H, W, 3)` and label map `(H, W)`, in one case of two upside down.

    Args:
        image: `(H, W, 3)`.
        label: `(H, W)`.
        seed: Two integers.
    """
    return tf.cond(
        uniform(seed) < 0.5,
        lambda: (tf.reverse(image, [0]), tf.reverse(label, [0])),
        lambda: (image, label),
    )
