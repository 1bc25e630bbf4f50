"""Bilinear resizing of images by a factor."""

from fractions import Fraction
from typing import Any, TypeVar

import keras
import tensorflow as tf

from kerasseg.checks import check_counts, is_number
from kerasseg.errors import KerassegError
from kerasseg.layers.bilinear import resize_bilinear

Size = TypeVar("Size", int, tf.Tensor)


@keras.saving.register_keras_serializable(package="kerasseg")
class ResizeBy(keras.layers.Layer):
    """Resizes images by a factor, for a backbone that sees them at a scale of its own.

    A side of n pixels becomes one of `n * scale`, rounded to the nearest (halves up), and never
    less than `minimum`: below 32 pixels some backbones give maps of the wrong size. Pixels stay
    float32 under every precision policy. Sampling is bilinear at pixel centres.

    Call arguments:
        images: `(N, H, W, C)`.

    Output: `(N, max(round(H * scale), minimum), max(round(W * scale), minimum), C)`, float32.

    Args:
        scale: The factor, from 0.001 to 1000. It counts to three digits: what is used is the
            nearest fraction of a denominator of at most 1000.
        minimum: The least height and width of the output, in pixels.

    Raises:
        KerassegError: If `scale` is not between 0.001 and 1000, or `minimum` no whole number of
            at least 1.

    Example:
        >>> import numpy as np
        >>> ResizeBy(0.6)(np.ones((1, 101, 40, 3))).shape
        TensorShape([1, 61, 32, 3])
    """

    def __init__(self, scale: float, minimum: int = 32, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        if not is_number(scale) or not 0.001 <= scale <= 1000:
            raise KerassegError(f"scale is a number from 0.001 to 1000; received {scale!r}.")
        check_counts(minimum=minimum)
        self.scale = scale
        self.minimum = minimum

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the images at their new size."""
        wanted = self.compute_output_shape(images.shape)[1:3]
        if None in wanted:
            size = tf.shape(images)[1:3]
            wanted = tf.maximum(self._scaled(size), self.minimum)
        return resize_bilinear(images, wanted)

    def _scaled(self, side: Size) -> Size:
        # In whole numbers, so that a size is rounded alike whether it is known or read.
        ratio = ratio_of(self.scale)
        return (2 * side * ratio.numerator + ratio.denominator) // (2 * ratio.denominator)

    def compute_output_shape(self, images_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape of the images at their new size, None where it is not known."""
        batch, *size, channels = images_shape
        scaled = (side if side is None else max(self._scaled(side), self.minimum) for side in size)
        return (batch, *scaled, channels)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the layer."""
        return {**super().get_config(), "scale": self.scale, "minimum": self.minimum}


def ratio_of(scale: float) -> Fraction:
    """Returns the fraction that sides are multiplied by, of a denominator of at most 1000."""
    return Fraction(float(scale)).limit_denominator(1000)
