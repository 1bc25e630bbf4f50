"""The holistic codebook of EfficientFCN."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="kerasseg")
class CodebookGeneration(keras.layers.Layer):
    """Holistic codebook: each codeword is a weighted mean of the coarse map's positions.

    `Ã = softmax(A)` over the h*w positions, a codeword at a time, and `C = Ãᵀ B` (Liu et al.,
    ECCV 2020, arXiv 2008.10487, section 3.2). Since every weight sees the whole image, padding
    or tiling an image changes the codebook. Softmax and product are computed in float32 under
    every precision policy: at half precision most weights of a large map would vanish.

    Call arguments:
        base: `(N, h, w, c)`, the codeword base map B.
        weighting: `(N, h, w, n)`, the weighting maps A before their softmax.

    Output: `(N, n, c)`, the codebook C, float32.

    Example:
        >>> import numpy as np
        >>> CodebookGeneration()(np.ones((1, 4, 5, 16)), np.zeros((1, 4, 5, 8))).shape
        TensorShape([1, 8, 16])
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, base: tf.Tensor, weighting: tf.Tensor) -> tf.Tensor:
        """Returns the codebook."""
        return tf.matmul(
            position_weights(weighting), tf.cast(_by_position(base), tf.float32), transpose_a=True
        )

    def compute_output_shape(
        self, base_shape: tuple[int | None, ...], weighting_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Returns `(N, n, c)`."""
        return (base_shape[0], weighting_shape[3], base_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the layer."""
        return super().get_config()


def position_weights(weighting: tf.Tensor) -> tf.Tensor:
    """Returns Ã: the softmax of `(N, h, w, n)` over the positions, `(N, h*w, n)`, float32."""
    return tf.nn.softmax(tf.cast(_by_position(weighting), tf.float32), axis=1)


def _by_position(x: tf.Tensor) -> tf.Tensor:
    """Flattens `(N, h, w, k)` to `(N, h*w, k)`."""
    shape = tf.shape(x)
    return tf.reshape(x, (shape[0], shape[1] * shape[2], x.shape[3]))
