"""Random colour, blur and JPEG noise of an image; the label map has no part in them."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from kerasseg.data.augmentation.draws import between, place, rounded, uniform

# Brightness and two colour differences (YIQ of the NTSC standard): grey has neither difference.
_YIQ = np.array(
    [
        [0.299, 0.587, 0.114],
        [0.595716, -0.274453, -0.321263],
        [0.211456, -0.522591, 0.311135],
    ]
)
_QUARTER_TURN = np.array([[0, 0, 0], [0, 0, -1], [0, 1, 0]])
# To be multiplied by pixels from the left: the grey of a pixel, and its colour turned by 90°.
_TO_GREY = np.outer(_YIQ[0], np.ones(3)).astype(np.float32)
_TO_COLOUR = np.eye(3, dtype=np.float32) - _TO_GREY
_TO_QUARTER = (np.linalg.inv(_YIQ) @ _QUARTER_TURN @ _YIQ).T.astype(np.float32)


class ColourChange(NamedTuple):
    """A draw; each a float32 scalar.

    Attributes:
        brightness: What is added to each value, within ±255.
        contrast: Factor of the distance from the mean.
        saturation: Factor of the distance from grey.
        hue: Turn of the colour circle, whole turns.
    """

    brightness: tf.Tensor
    contrast: tf.Tensor
    saturation: tf.Tensor
    hue: tf.Tensor


def draw_colour_change(
    seed: tf.Tensor, brightness: float, contrast: float, saturation: float, hue: float
) -> ColourChange:
    """Returns a random change; the arguments are those of `random_colour`."""
    largest = np.array([255.0 * brightness, contrast, saturation, hue], np.float32)
    changes = between(uniform(seed, (4,)), (-1.0, 1.0)) * largest
    return ColourChange(*tf.unstack(changes + np.array([0, 1, 1, 0], np.float32)))


def random_colour(
    image: tf.Tensor,
    seed: tf.Tensor,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
) -> tf.Tensor:
    """Returns the image with changed brightness, contrast, saturation and hue, float32 `(H, W, 3)`.

    Saturation and hue leave the luma of a pixel (0.299 R + 0.587 G + 0.114 B) as it is.

    Args:
        image: `(H, W, 3)`, 0..255.
        seed: Two integers.
        brightness: Largest shift, as a part of the range 0..255.
        contrast: Largest change of the factor 1 for the distance from the mean value.
        saturation: Largest change of the factor 1 for the distance of a pixel from its grey.
        hue: Largest turn of the colour circle, whole turns.
    """
    image = tf.cast(image, tf.float32)
    if not (brightness or contrast or saturation or hue):
        return image
    change = draw_colour_change(seed, brightness, contrast, saturation, hue)
    gain, shift = change.contrast, change.brightness
    if contrast:
        shift += (1.0 - gain) * tf.reduce_mean(image)
    if saturation or hue:
        # As rows of pixels, which is quicker than a product of a batch of rows of the image.
        pixels = tf.reshape(image, (-1, 3)) @ (gain * _colour_matrix(change, turns=hue > 0))
        changed = tf.reshape(pixels, tf.shape(image)) + shift
    else:
        changed = image * gain + shift
    # In one pass, where tf.clip_by_value takes two.
    return tf.raw_ops.ClipByValue(t=changed, clip_value_min=0.0, clip_value_max=255.0)


def _colour_matrix(change: ColourChange, turns: bool) -> tf.Tensor:
    colour: Any = _TO_COLOUR
    if turns:
        angle = 2 * math.pi * change.hue
        colour = tf.cos(angle) * colour + tf.sin(angle) * _TO_QUARTER
    return _TO_GREY + change.saturation * colour


Compress = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def random_jpeg(
    image: tf.Tensor,
    seed: tf.Tensor,
    probability: float,
    quality: tuple[int, int],
    compress: Compress = tf.image.adjust_jpeg_quality,
) -> tf.Tensor:
    """Returns the image, at times as JPEG would keep it, float32 `(H, W, 3)`.

    Args:
        image: `(H, W, 3)`, 0..255.
        seed: Two integers.
        probability: How often it is changed.
        quality: Lowest and highest quality, 1..100.
        compress: What changes it: a function of the image, uint8, and of the quality, int32.
    """

    def compressed() -> tf.Tensor:
        whole = rounded(tf.clip_by_value(image, 0.0, 255.0), tf.uint8)
        kept = compress(whole, quality[0] + place(draw[1], quality[1] - quality[0]))
        return tf.reshape(tf.cast(kept, tf.float32), tf.shape(image))

    image = tf.cast(image, tf.float32)
    draw = uniform(seed, (2,))
    return tf.cond(draw[0] < probability, compressed, lambda: image)


def random_blur(
    image: tf.Tensor, seed: tf.Tensor, probability: float, sigma: tuple[float, float]
) -> tf.Tensor:
    """Returns the image, at times blurred by a Gaussian, float32 `(H, W, 3)`.

    Beyond its edge the image goes on with its last pixels.

    Args:
        image: `(H, W, 3)`, 0..255.
        seed: Two integers.
        probability: How often it is changed.
        sigma: Smallest and largest deviation of the Gaussian, pixels.
    """

    def blurred() -> tf.Tensor:
        radius = math.ceil(3 * sigma[1])
        weights = _gaussian(between(draw[1], sigma), radius)
        kernel = tf.tile(weights[:, tf.newaxis, tf.newaxis, tf.newaxis], [1, 1, 3, 1])
        padded = _edges_repeated(image, radius)[tf.newaxis]
        down = tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")
        across = tf.transpose(kernel, [1, 0, 2, 3])
        return tf.nn.depthwise_conv2d(down, across, [1, 1, 1, 1], "VALID")[0]

    image = tf.cast(image, tf.float32)
    draw = uniform(seed, (2,))
    return tf.cond(draw[0] < probability, blurred, lambda: image)


def _gaussian(sigma: tf.Tensor, radius: int) -> tf.Tensor:
    weights = tf.exp(-0.5 * tf.square(tf.range(-radius, radius + 1, dtype=tf.float32) / sigma))
    return weights / tf.reduce_sum(weights)


def _edges_repeated(image: tf.Tensor, margin: int) -> tf.Tensor:
    for axis in (0, 1):
        side = tf.shape(image)[axis]
        places = tf.clip_by_value(tf.range(-margin, side + margin), 0, side - 1)
        image = tf.gather(image, places, axis=axis)
    return image
