"""Padding of images that are too small for a backbone."""

from typing import Any

import keras
import tensorflow as tf

from kerasseg.checks import check_counts


@keras.saving.register_keras_serializable(package="kerasseg")
class PadToMinimum(keras.layers.Layer):
    """Repeats the last row and column until an image has the least height and width.

    Below 32 pixels on a side some backbones give maps of the wrong size, or none. Larger images
    pass unchanged. Pixels stay float32 under every precision policy.

    Call arguments:
        images: `(N, H, W, C)`.

    Output: `(N, max(H, minimum), max(W, minimum), C)`, the image at the top left.

    Args:
        minimum: The least height and width, in pixels.

    Raises:
        KerassegError: If `minimum` is no whole number of at least 1.

    Example:
        >>> import numpy as np
        >>> PadToMinimum(32)(np.ones((1, 20, 40, 3))).shape
        TensorShape([1, 32, 40, 3])
    """

    def __init__(self, minimum: int = 32, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        check_counts(minimum=minimum)
        self.minimum = minimum

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the images, padded where they are smaller than the minimum."""
        for axis in (1, 2):
            size = images.shape[axis]
            if size is None or size < self.minimum:
                images = self._repeat_last(images, axis)
        return images

    def _repeat_last(self, images: tf.Tensor, axis: int) -> tf.Tensor:
        size = tf.shape(images)[axis]
        positions = tf.minimum(tf.range(tf.maximum(size, self.minimum)), size - 1)
        return tf.gather(images, positions, axis=axis)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the input's shape with at least the minimum height and width."""
        batch, height, width, channels = input_shape
        sides = (size and max(size, self.minimum) for size in (height, width))
        return (batch, *sides, channels)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the layer."""
        return {**super().get_config(), "minimum": self.minimum}
