"""Bilinear resizing to the size of another tensor."""

from typing import Any

import keras
import tensorflow as tf

# The operations of a resize that interpolates by matrix products lie in this scope of the graph.
INTERPOLATION_SCOPE = "interpolate_aligned_corners"


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
        resize = _resize_corner_aligned if self.align_corners else tf.image.resize
        return tf.cast(resize(x, _size(reference)), self.compute_dtype)

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


def _resize_corner_aligned(x: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Resizes by a product with one interpolation matrix a side, exact in float32."""
    x = tf.cast(x, tf.float32)
    height, width, channels = tf.shape(x)[1], tf.shape(x)[2], x.shape[3]
    with tf.name_scope(INTERPOLATION_SCOPE):
        for_rows = _interpolation_matrix(height, size[0])[None]
        rows = tf.matmul(for_rows, tf.reshape(x, (-1, height, width * channels)))
        for_columns = _interpolation_matrix(width, size[1])[None]
        columns = tf.matmul(for_columns, tf.reshape(rows, (-1, width, channels)))
    return tf.reshape(columns, (-1, size[0], size[1], channels))


def _interpolation_matrix(n_in: tf.Tensor, n_out: tf.Tensor) -> tf.Tensor:
    """Returns the `(n_out, n_in)` weights `relu(1 - |p_i - j|)`, `p_i = i (n_in-1)/(n_out-1)`."""
    step = tf.cast(n_in - 1, tf.float32) / tf.cast(tf.maximum(n_out - 1, 1), tf.float32)
    positions = tf.cast(tf.range(n_out), tf.float32) * step
    return tf.nn.relu(1.0 - tf.abs(positions[:, None] - tf.cast(tf.range(n_in), tf.float32)[None]))
