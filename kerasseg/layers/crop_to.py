"""Cropping to the size of another tensor."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="kerasseg")
class CropTo(keras.layers.Layer):
    """Keeps the top left of a map, at the height and width of a reference.

    The counterpart of `PadToMinimum`: it takes the padding off the logits.

    Call arguments:
        x: `(N, H, W, C)`.
        reference: `(N, h, w, *)` with `h <= H` and `w <= W`.

    Output: `(N, h, w, C)`, float32; where the sizes are equal nothing is copied.

    Example:
        >>> import numpy as np
        >>> CropTo()(np.ones((1, 32, 40, 5)), np.ones((1, 20, 40, 3))).shape
        TensorShape([1, 20, 40, 5])
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, x: tf.Tensor, reference: tf.Tensor) -> tf.Tensor:
        """Returns the top left of `x` at the size of `reference`."""
        size = tf.shape(reference)
        cropped = tf.slice(x, (0, 0, 0, 0), tf.stack([-1, size[1], size[2], -1]))
        cropped.set_shape((x.shape[0], *reference.shape[1:3], x.shape[3]))
        return cropped

    def compute_output_shape(
        self, x_shape: tuple[int | None, ...], reference_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Returns the shape of `x` with the height and width of `reference`."""
        return (x_shape[0], *reference_shape[1:3], x_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the layer."""
        return super().get_config()
