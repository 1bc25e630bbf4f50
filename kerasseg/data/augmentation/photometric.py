"""The changes of colour computed by keras-cv's layers, with draws of one's own.

Called as a layer each of them draws from a state that no seed of an example reaches; with the
draw handed to `augment_images` it is a function of its arguments. What goes wrong there is left
out: its geometric layers write 0 or float32 into label maps, its Gaussian blur darkens the edges,
and `GridMask` leaves the labels of the squares as they are, which are made void here.
"""

import functools
from types import SimpleNamespace
from typing import Any

import tensorflow as tf

from kerasseg.data.augmentation import colour, regions
from kerasseg.data.augmentation.colour import draw_colour_change
from kerasseg.data.augmentation.void import FILL_COLOUR


def random_colour(
    image: tf.Tensor,
    seed: tf.Tensor,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
) -> tf.Tensor:
    """Returns the image with changed brightness, contrast, saturation and hue, float32 `(H, W, 3)`.

    One after the other, each with values cut off at 0 and 255; contrast has a mean of its own for
    each channel, saturation and hue are those of HSV.

    Args:
        image: `(H, W, 3)`, 0..255.
        seed: Two integers.
        brightness: Largest shift, as a part of the range 0..255.
        contrast: Largest change of the factor 1 for the distance from the mean value.
        saturation: Largest change of the factor 1 for the saturation.
        hue: Largest turn of the colour circle, whole turns.
    """
    layers = _layers()
    change = draw_colour_change(seed, brightness, contrast, saturation, hue)
    images = tf.cast(image, tf.float32)[tf.newaxis]
    if brightness:
        images = layers.brightness.augment_images(images, tf.reshape(change.brightness, [1] * 4))
    if contrast:
        images = layers.contrast.augment_images(images, tf.reshape(change.contrast, [1] * 4))
    if saturation:
        # The layer's scale goes from 0 for grey over 1/2 for no change to 1.
        part = change.saturation / (1.0 + change.saturation)
        images = layers.saturation.augment_images(images, part[tf.newaxis])
    if hue:
        images = layers.hue.augment_images(images, change.hue[tf.newaxis])
    return images[0]


def random_jpeg(
    image: tf.Tensor, seed: tf.Tensor, probability: float, quality: tuple[int, int]
) -> tf.Tensor:
    """Returns the image, at times as JPEG would keep it; see `colour.random_jpeg`."""
    return colour.random_jpeg(image, seed, probability, quality, _layers().jpeg.augment_image)


def random_grid_mask(
    image: tf.Tensor,
    label: tf.Tensor,
    seed: tf.Tensor,
    probability: float,
    ratio: tuple[float, float],
    ignore_label: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns image and label map, at times under a grid; see `regions.random_grid_mask`."""

    def paint(image: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        mask = tf.cast(hidden, tf.float32)[..., tf.newaxis]
        fill = tf.broadcast_to(tf.constant(FILL_COLOUR), tf.shape(image))
        return _layers().grid.augment_image(image, (mask, fill))

    return regions.random_grid_mask(image, label, seed, probability, ratio, ignore_label, paint)


@functools.cache
def _layers() -> SimpleNamespace:
    """Returns the layers, imported where they are asked for: it takes more than half a second.

    They are built once and outside of any graph, as each holds a generator, which it is not to
    draw from; and in float32 whatever the policy, as bfloat16 would round to whole values.
    """
    import keras_cv

    class Seeded(keras_cv.layers.BaseImageAugmentationLayer):
        # Without a seed a layer takes the global generator, which a deterministic run refuses,
        # and RandomJpegQuality hands none on.
        def __init__(self, **options: Any) -> None:
            super().__init__(seed=1, **options)

    class JpegQuality(keras_cv.layers.RandomJpegQuality, Seeded):
        pass

    options: dict[str, Any] = {"seed": 1, "dtype": "float32"}
    pixels = {"value_range": (0, 255), **options}
    with tf.init_scope(), tf.device("CPU"):
        return SimpleNamespace(
            brightness=keras_cv.layers.RandomBrightness(1.0, **pixels),
            contrast=keras_cv.layers.RandomContrast(factor=1.0, **pixels),
            saturation=keras_cv.layers.RandomSaturation(1.0, **options),
            hue=keras_cv.layers.RandomHue(1.0, **pixels),
            jpeg=JpegQuality(factor=(1, 100), dtype="float32"),
            grid=keras_cv.layers.GridMask(**options),
        )
