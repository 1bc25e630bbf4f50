"""The codeword assembly of EfficientFCN."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="kerasseg")
class CodewordAssembly(keras.layers.Layer):
    """Codeword assembly: each fine position's feature is a combination of the codewords.

    `f̃ = s W C` with `s = n^(-1/2)` for n codewords as in the first author's code, or `s = 1`
    as in the paper's text (Liu et al., ECCV 2020, arXiv 2008.10487, section 3.3). The factor is
    applied to W before the product, which keeps half precision in range.

    Call arguments:
        codebook: `(N, n, c)`, C.
        weights: `(N, H, W, n)`, the assembly coefficients W.

    Output: `(N, H, W, c)`, in the layer's compute dtype.

    Args:
        scaled: Whether the factor `n^(-1/2)` is applied.

    Example:
        >>> import numpy as np
        >>> CodewordAssembly()(np.ones((1, 8, 16)), np.ones((1, 6, 7, 8))).shape
        TensorShape([1, 6, 7, 16])
    """

    def __init__(self, scaled: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scaled = scaled

    def call(self, codebook: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Returns the assembled map."""
        shape, (num_codewords, channels) = tf.shape(weights), codebook.shape[1:]
        if self.scaled:
            weights = weights * tf.cast(num_codewords**-0.5, weights.dtype)
        flat = tf.reshape(weights, (shape[0], shape[1] * shape[2], num_codewords))
        return tf.reshape(tf.matmul(flat, codebook), (shape[0], shape[1], shape[2], channels))

    def compute_output_shape(
        self, codebook_shape: tuple[int | None, ...], weights_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Returns `(N, H, W, c)`."""
        return (*weights_shape[:3], codebook_shape[2])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the layer."""
        return {**super().get_config(), "scaled": self.scaled}
