"""The chained residual pooling of RefineNet."""

from typing import Any

import keras
import tensorflow as tf

from kerasseg.checks import check_counts
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.layers.initialization import quiet_start

POOLING_ORDERS = ("pool_conv", "conv_pool")


@keras.saving.register_keras_serializable(package="kerasseg")
class ChainedResidualPooling(keras.layers.Layer):
    """Chained residual pooling: context from a chain of poolings, each added to the output.

    `r = relu(x)`, `t_0 = r`, `t_i = conv_i(maxpool(t_{i-1}))`, output `r + t_1 + ... + t_n`:
    5x5 max pooling with stride 1, whose padding never counts, and convs without bias. The one
    ReLU is the only non-linearity beside the pooling (Lin et al., CVPR 2017, arXiv 1611.06612,
    section 3.2 and figure 3d). The authors' improved pooling, of most of the models that they
    released, has the other order: `t_i = maxpool(conv_i(t_{i-1}))`.

    Call arguments:
        x: `(N, H, W, filters)`.

    Output: the same shape.

    Args:
        filters: Channels of the input and of every conv.
        num_blocks: n. The paper's text has 2, the authors' released graphs 4.
        kernel_size: Side of the conv kernels: 3 in RefineNet, 1 in Light-Weight RefineNet.
        pooling_order: `"pool_conv"` as in the paper, or `"conv_pool"`, the improved pooling.
        rematerialize: Whether training keeps `x` alone and computes the chain once more when it
            is differentiated. Values, gradients and weights are those of the plain layer.

    Raises:
        KerassegError: If a count is no whole number of at least 1, `pooling_order` is none of
            the two, or the input has another number of channels than `filters`.

    Example:
        >>> import numpy as np
        >>> ChainedResidualPooling(8, num_blocks=2)(np.ones((1, 6, 5, 8))).shape
        TensorShape([1, 6, 5, 8])
    """

    def __init__(
        self,
        filters: int,
        num_blocks: int = 2,
        kernel_size: int = 3,
        pooling_order: str = "pool_conv",
        rematerialize: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_counts(filters=filters, num_blocks=num_blocks, kernel_size=kernel_size)
        check_pooling_order(pooling_order)
        self.filters = filters
        self.num_blocks = num_blocks
        self.kernel_size = kernel_size
        self.pooling_order = pooling_order
        self.rematerialize = rematerialize
        self.convs = [
            keras.layers.Conv2D(
                filters,
                kernel_size,
                padding="same",
                use_bias=False,
                kernel_initializer=quiet_start(),
                dtype=self.dtype_policy,
                name=f"conv{number}",
            )
            for number in range(1, num_blocks + 1)
        ]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Builds the convs; the sum needs as many channels as they have."""
        if input_shape[-1] != self.filters:
            raise KerassegError(
                f"{self.name}: the sum needs {self.filters} channels; "
                f"the input has {input_shape[-1]}. Reduce it with a conv first."
            )
        for conv in self.convs:
            conv.build(input_shape)

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Returns the sum of `relu(x)` and its chain of pooled maps."""
        if self.rematerialize and training:
            # keras.RematScope wraps `call`, and in a graph its gradient takes no keywords: with
            # `training=`, which fit gives to every layer that has it, it raises (Keras 3.15).
            return tf.recompute_grad(self._chain)(x)
        return self._chain(x)

    def _chain(self, x: tf.Tensor) -> tf.Tensor:
        path = total = tf.nn.relu(x)
        for conv in self.convs:
            if self.pooling_order == "pool_conv":
                path = conv(_max_pool(path))
            else:
                path = _max_pool(conv(path))
            total = total + path
        return total

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the layer."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "num_blocks": self.num_blocks,
            "kernel_size": self.kernel_size,
            "pooling_order": self.pooling_order,
            "rematerialize": self.rematerialize,
        }


def check_pooling_order(pooling_order: str) -> None:
    """Raises a `KerassegError` unless a chain may be ordered like this."""
    if pooling_order not in POOLING_ORDERS:
        raise unknown_name("pooling_order", pooling_order, POOLING_ORDERS)


def _max_pool(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.max_pool2d(x, ksize=5, strides=1, padding="SAME")
