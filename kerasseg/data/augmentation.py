"""Random changes of an image and its label map, as pure functions of (example, seed).

One draw moves both. The image is resampled bilinearly and the label map by nearest neighbour
on the same grid (pixel centres at halves), so that nothing shifts between them and no class id
is ever blended; what lies outside the image becomes void. The same seed gives the same result
in eager mode and inside `tf.data.Dataset.map`.
"""

from dataclasses import dataclass

import tensorflow as tf

from kerasseg.errors import KerassegError

# The mean of ImageNet: about zero after the normalisation of most backbones.
FILL_COLOUR = (124.0, 116.0, 104.0)
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Augmentation:
    """Random scale, crop, flip and colour change.

    Args:
        crop_size: Height and width of the result, pixels.
        scale: The image is scaled by a factor drawn evenly between these two.
        flip: Whether half of the images are mirrored left to right.
        brightness: Largest change of the brightness, as a part of the range 0..255; 0..1.
        contrast: The distance from the mean is multiplied by 1 ± at most this; 0..1.
        saturation: The distance from grey is multiplied by 1 ± at most this; 0..1.

    Raises:
        KerassegError: If a value is out of its range.

    Example:
        >>> augment = Augmentation(crop_size=(64, 64), brightness=0.1)
        >>> image, label = tf.zeros((40, 50, 3), tf.uint8), tf.zeros((40, 50), tf.int32)
        >>> image, label = augment(image, label, seed=(0, 1), ignore_label=255)
        >>> image.shape, label.shape
        (TensorShape([64, 64, 3]), TensorShape([64, 64]))
    """

    crop_size: tuple[int, int]
    scale: tuple[float, float] = (0.5, 2.0)
    flip: bool = True
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0

    def __post_init__(self) -> None:
        if len(self.crop_size) != 2 or min(self.crop_size) < 1:
            raise KerassegError(f"crop_size is (height, width) in pixels; got {self.crop_size}.")
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1]:
            raise KerassegError(
                f"scale is (smallest, largest), above 0; got {self.scale}: (0.5, 2.0) is usual."
            )
        for name in ("brightness", "contrast", "saturation"):
            if not 0 <= getattr(self, name) <= 1:
                raise KerassegError(f"{name} lies within 0..1; got {getattr(self, name)}.")

    def __call__(
        self, image: tf.Tensor, label: tf.Tensor, seed: tf.Tensor, *, ignore_label: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the changed image, float32 `(h, w, 3)`, and label map `(h, w)`.

        Args:
            image: `(H, W, 3)`, 0..255.
            label: `(H, W)`, an integer dtype, which is kept.
            seed: Two integers.
            ignore_label: The void label, written where the crop leaves the image.
        """
        seeds = tf.random.split(seed, 3, alg="philox")
        image, label = random_scale_crop(
            image, label, seeds[0], self.crop_size, self.scale, ignore_label
        )
        if self.flip:
            image, label = random_flip(image, label, seeds[1])
        image = random_colour(image, seeds[2], self.brightness, self.contrast, self.saturation)
        image = tf.ensure_shape(image, (*self.crop_size, 3))
        return image, tf.ensure_shape(label, self.crop_size)


def random_scale_crop(
    image: tf.Tensor,
    label: tf.Tensor,
    seed: tf.Tensor,
    crop_size: tuple[int, int],
    scale: tuple[float, float],
    ignore_label: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a crop of the scaled image, float32 `(h, w, 3)`, and of its label map `(h, w)`.

    The window is cut out before it is resized, so that the work depends on the crop alone. Its
    sides are whole pixels of the image, so the factor is exact to half a pixel in the crop.
    Where the scaled image is smaller than the crop it lies at a random place in it, round it
    `FILL_COLOUR` and void.

    Args:
        image: `(H, W, 3)`, 0..255.
        label: `(H, W)`, an integer dtype, which is kept.
        seed: Two integers.
        crop_size: Height and width of the result, pixels.
        scale: Smallest and largest factor.
        ignore_label: The void label.
    """
    draw = tf.random.stateless_uniform((3,), seed, alg="philox")
    factor = scale[0] + draw[0] * (scale[1] - scale[0])
    size = tf.shape(label)
    crop = tf.constant(crop_size, tf.int32)
    window = tf.maximum(_rounded(tf.cast(crop, tf.float32) / factor), 1)
    taken = tf.minimum(window, size)
    # Rounding, as `taken` is a part of `window` that need not divide the crop.
    filled = tf.maximum(
        _rounded(tf.cast(crop * taken, tf.float32) / tf.cast(window, tf.float32)), 1
    )
    start = _place(draw[1:], size - taken)
    end = start + taken
    image = tf.image.resize(image[start[0] : end[0], start[1] : end[1]], filled)
    label = _nearest(label, start, taken, filled)
    before = _place(draw[1:], crop - filled)
    return tf.cond(
        tf.reduce_all(filled == crop),
        lambda: (image, label),
        lambda: _pad(image, label, before, crop - filled - before, ignore_label),
    )


def _nearest(label: tf.Tensor, start: tf.Tensor, taken: tf.Tensor, filled: tf.Tensor) -> tf.Tensor:
    """Returns the window of a label map resized by nearest neighbour, in whole numbers."""
    rows, columns = (
        start[axis] + (2 * tf.range(filled[axis]) + 1) * taken[axis] // (2 * filled[axis])
        for axis in (0, 1)
    )
    # Twice by rows with transpositions takes half the time of a gather along the columns.
    return tf.transpose(tf.gather(tf.transpose(tf.gather(label, rows)), columns))


def _rounded(values: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.round(values), tf.int32)


def _place(draw: tf.Tensor, room: tf.Tensor) -> tf.Tensor:
    """Returns a whole number within 0..room for a draw within [0, 1)."""
    return tf.minimum(tf.cast(draw * tf.cast(room + 1, tf.float32), tf.int32), room)


def _pad(
    image: tf.Tensor, label: tf.Tensor, before: tf.Tensor, after: tf.Tensor, ignore_label: int
) -> tuple[tf.Tensor, tf.Tensor]:
    margins = tf.stack([before, after], axis=1)
    fill = tf.constant(FILL_COLOUR)
    image = tf.pad(image - fill, tf.concat([margins, [[0, 0]]], axis=0)) + fill
    return image, tf.pad(label, margins, constant_values=tf.cast(ignore_label, label.dtype))


def random_flip(image: tf.Tensor, label: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns image `(H, W, 3)` and label map `(H, W)`, in one case of two mirrored left to right.

    Args:
        image: `(H, W, 3)`.
        label: `(H, W)`.
        seed: Two integers.
    """
    mirrored = tf.random.stateless_uniform((), seed, alg="philox") < 0.5
    return tf.cond(
        mirrored,
        lambda: (tf.reverse(image, [1]), tf.reverse(label, [1])),
        lambda: (image, label),
    )


def random_colour(
    image: tf.Tensor,
    seed: tf.Tensor,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
) -> tf.Tensor:
    """Returns the image, float32 `(H, W, 3)`, with changed brightness, contrast and saturation.

    Args:
        image: `(H, W, 3)`, 0..255.
        seed: Two integers.
        brightness: Largest shift, as a part of the range 0..255.
        contrast: Largest change of the factor 1 for the distance from the mean value.
        saturation: Largest change of the factor 1 for the distance of a pixel from its grey.
    """
    image = tf.cast(image, tf.float32)
    if not (brightness or contrast or saturation):
        return image
    draw = tf.random.stateless_uniform((3,), seed, -1.0, 1.0, alg="philox")
    gain = 1.0 + contrast * draw[1]
    shift = 255.0 * brightness * draw[0]
    if contrast:
        shift += (1.0 - gain) * tf.reduce_mean(image)
    if saturation:
        factor = 1.0 + saturation * draw[2]
        to_grey = tf.constant(_LUMA)[:, tf.newaxis] * tf.ones((1, 3))
        gain *= factor * tf.eye(3) + (1.0 - factor) * to_grey
        return tf.clip_by_value(tf.linalg.matmul(image, gain) + shift, 0.0, 255.0)
    return tf.clip_by_value(image * gain + shift, 0.0, 255.0)
