"""The chained residual pooling of RefineNet."""

from typing import Any

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError


@keras.saving.register_keras_serializable(package="kerasseg")
class ChainedResidualPooling(keras.layers.Layer):
    """Chained residual pooling: context from a chain of poolings, each added to the output.

    `r = relu(x)`, `t_0 = r`, `t_i = conv_i(maxpool(t_{i-1}))`, output `r + t_1 + ... + t_n`:
    5x5 max pooling with stride 1, whose padding never counts, and convs without bias. The one
    ReLU is the only non-linearity beside the pooling (Lin et al., CVPR 2017, arXiv 1611.06612,
    section 3.2 and figure 3d).

    Call arguments:
        x: `(N, H, W, filters)`.

    Output: the same shape.

    Args:
        filters: Channels of the input and of every conv.
        num_blocks: n. The paper's text has 2, the authors' released graphs 4.
        kernel_size: Side of the conv kernels: 3 in RefineNet, 1 in Light-Weight RefineNet.

    Example:
        >>> import numpy as np
        >>> ChainedResidualPooling(8, num_blocks=2)(np.ones((1, 6, 5, 8))).shape
        TensorShape([1, 6, 5, 8])
    """

    def __init__(
        self, filters: int, num_blocks: int = 2, kernel_size: int = 3, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.num_blocks = num_blocks
        self.kernel_size = kernel_size
        self.convs = [
            keras.layers.Conv2D(
                filters,
                kernel_size,
                padding="same",
                use_bias=False,
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

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the sum of `relu(x)` and its chain of pooled maps."""
        path = total = tf.nn.relu(x)
        for conv in self.convs:
            path = conv(tf.nn.max_pool2d(path, ksize=5, strides=1, padding="SAME"))
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
        }
