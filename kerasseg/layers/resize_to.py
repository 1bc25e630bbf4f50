"""Bilinear resizing to the size of another tensor."""

from typing import Any

import keras
import tensorflow as tf

from kerasseg.layers.bilinear import resize_bilinear


@keras.saving.register_keras_serializable(package="kerasseg")
class ResizeTo(keras.layers.Layer):
    """Resizes feature maps to the height and width of a reference, which is read and not assumed.

    Call arguments:
        x: `(N, h, w, C)`, the maps to resize.
        reference: `(N, H, W, *)`, any tensor with the wanted size.

    Output: `(N, H, W, C)` in the layer's compute dtype; interpolated in float32.

    Args:
        align_corners: False samples at pixel centres, TensorFlow's convention. True maps the
            corner pixels onto each other, output pixel i reading position
            `i * (n_in - 1) / (n_out - 1)`, the convention of the papers' own frameworks.

    Example:
        >>> import numpy as np
        >>> ResizeTo()(np.ones((1, 3, 5, 2)), np.ones((1, 6, 9, 1))).shape
        TensorShape([1, 6, 9, 2])
    """

    def __init__(self, align_corners: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.align_corners = align_corners

    def call(self, x: tf.Tensor, reference: tf.Tensor) -> tf.Tensor:
        """Returns `x` at the height and width of `reference`."""
        if _same_static_size(x, reference):
            return tf.cast(x, self.compute_dtype)
        resized = resize_bilinear(x, _size(reference), self.align_corners)
        return tf.cast(resized, self.compute_dtype)

    def compute_output_shape(
        self, x_shape: tuple[int | None, ...], reference_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Returns the shape of `x` with the height and width of `reference`."""
        return (x_shape[0], *reference_shape[1:3], x_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the layer."""
        return {**super().get_config(), "align_corners": self.align_corners}


def _size(x: tf.Tensor) -> tf.Tensor | tf.TensorShape:
    """Returns height and width, as plain numbers where both are known."""
    size = x.shape[1:3]
    return size if size.is_fully_defined() else tf.shape(x)[1:3]


def _same_static_size(x: tf.Tensor, reference: tf.Tensor) -> bool:
    size = x.shape[1:3]
    return size.is_fully_defined() and size == reference.shape[1:3]
