"""Bilinear interpolation, by TensorFlow's own resize or by products with two matrices."""

from collections.abc import Sequence
from typing import TypeAlias

import tensorflow as tf
from tensorflow.python.ops import control_flow_util

# The operations of a resize that interpolates by matrix products lie in this scope of the graph.
INTERPOLATION_SCOPE = "interpolate_by_products"

Size: TypeAlias = tf.Tensor | tf.TensorShape | Sequence[int]


def resize_bilinear(x: tf.Tensor, size: Size, align_corners: bool = False) -> tf.Tensor:
    """Returns maps at another height and width, bilinear, float32.

    Args:
        x: `(N, h, w, C)`.
        size: The new height and width.
        align_corners: False samples at pixel centres, TensorFlow's convention; True maps the
            corner pixels onto each other. Positions outside read the nearest pixel.

    Example:
        >>> resize_bilinear(tf.constant([[[[0.0], [4.0]]]]), (1, 4))[0, 0, :, 0].numpy().tolist()
        [0.0, 1.0, 3.0, 4.0]
    """
    # TensorFlow has no resize with aligned corners any more. And where XLA compiles its resize at
    # pixel centres for a CPU (2.21), values and gradients are wrong, by more than their spread,
    # at most sizes that are not a multiple of the other: 5x6 to 9x12, 9x12 to 33x47. See
    # https://github.com/tensorflow/tensorflow/issues/118344
    if align_corners or _is_for_xla():
        return _by_products(x, size, align_corners)
    return tf.image.resize(x, size)


def _is_for_xla() -> bool:
    """Returns whether what is being traced will be compiled by XLA.

    TensorFlow marks the graph of a function with `jit_compile=True`, also the functions and
    gradients inside it; Keras' fit, predict and evaluate are such functions if the model is
    compiled so. There is no public name for the question. A function that was traced outside of
    XLA before and is called by a compiled one keeps its first graph: TensorFlow does not trace it
    again, so it has to be given `jit_compile=True` itself or be called as what it wraps.
    """
    return bool(control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))


def _by_products(x: tf.Tensor, size: Size, align_corners: bool) -> tf.Tensor:
    """Resizes by a product with one interpolation matrix a side, exact in float32."""
    x = tf.cast(x, tf.float32)
    height, width, channels = tf.shape(x)[1], tf.shape(x)[2], x.shape[3]
    matrix = _matrix_for_corners if align_corners else _matrix_for_centres
    with tf.name_scope(INTERPOLATION_SCOPE):
        for_rows = matrix(height, size[0])[None]
        rows = tf.matmul(for_rows, tf.reshape(x, (-1, height, width * channels)))
        for_columns = matrix(width, size[1])[None]
        columns = tf.matmul(for_columns, tf.reshape(rows, (-1, width, channels)))
    return tf.reshape(columns, (-1, size[0], size[1], channels))


def _matrix_for_corners(n_in: tf.Tensor, n_out: tf.Tensor | int) -> tf.Tensor:
    """Returns the `(n_out, n_in)` weights for positions `i (n_in-1)/(n_out-1)`."""
    step = tf.cast(n_in - 1, tf.float32) / tf.cast(tf.maximum(n_out - 1, 1), tf.float32)
    return _weights(tf.cast(tf.range(n_out), tf.float32) * step, n_in)


def _matrix_for_centres(n_in: tf.Tensor, n_out: tf.Tensor | int) -> tf.Tensor:
    """Returns the `(n_out, n_in)` weights for positions `(i + 1/2) n_in/n_out - 1/2`."""
    step = tf.cast(n_in, tf.float32) / tf.cast(n_out, tf.float32)
    positions = (tf.cast(tf.range(n_out), tf.float32) + 0.5) * step - 0.5
    return _weights(tf.clip_by_value(positions, 0.0, tf.cast(n_in - 1, tf.float32)), n_in)


def _weights(positions: tf.Tensor, n_in: tf.Tensor) -> tf.Tensor:
    """Returns `relu(1 - |p_i - j|)` for the positions p and the pixels j."""
    return tf.nn.relu(1.0 - tf.abs(positions[:, None] - tf.cast(tf.range(n_in), tf.float32)[None]))
