"""The residual conv unit of RefineNet."""

from typing import Any

import keras
import tensorflow as tf

from kerasseg.checks import check_counts
from kerasseg.errors import KerassegError
from kerasseg.layers.initialization import quiet_start


@keras.saving.register_keras_serializable(package="kerasseg")
class ResidualConvUnit(keras.layers.Layer):
    """Residual conv unit: `y = x + conv2(relu(conv1(relu(x))))`, both 3x3, no batch norm.

    The shortcut carries `x` itself, not `relu(x)`, and nothing follows the sum, so that signals
    and gradients pass through a cascade untouched (Lin et al., CVPR 2017, arXiv 1611.06612,
    section 3.2 and figure 3b). The first conv has a bias, the second none, as in the authors'
    released graphs.

    Call arguments:
        x: `(N, H, W, filters)`.

    Output: the same shape.

    Args:
        filters: Channels of the input and of both convs.
        rematerialize: Whether training keeps `x` alone and computes the residual once more when
            it is differentiated. Values, gradients and weights are those of the plain unit.

    Raises:
        KerassegError: If `filters` is no whole number of at least 1, or the input has another
            number of channels.

    Example:
        >>> import numpy as np
        >>> ResidualConvUnit(8)(np.ones((1, 6, 5, 8))).shape
        TensorShape([1, 6, 5, 8])
    """

    def __init__(self, filters: int, rematerialize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_counts(filters=filters)
        self.filters = filters
        self.rematerialize = rematerialize
        self.conv1 = self._conv("conv1", use_bias=True)
        self.conv2 = self._conv("conv2", use_bias=False)

    def _conv(self, name: str, use_bias: bool) -> keras.layers.Layer:
        return keras.layers.Conv2D(
            self.filters,
            3,
            padding="same",
            use_bias=use_bias,
            kernel_initializer=quiet_start(),
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Builds both convs; the shortcut needs as many channels as they have."""
        if input_shape[-1] != self.filters:
            raise KerassegError(
                f"{self.name}: the shortcut needs {self.filters} channels; "
                f"the input has {input_shape[-1]}. Reduce it with a conv first."
            )
        self.conv1.build(input_shape)
        self.conv2.build(input_shape)

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Returns `x` plus its residual."""
        if self.rematerialize and training:
            # keras.RematScope wraps `call`, and in a graph its gradient takes no keywords: with
            # `training=`, which fit gives to every layer that has it, it raises (Keras 3.15).
            return x + tf.recompute_grad(self._residual)(x)
        return x + self._residual(x)

    def _residual(self, x: tf.Tensor) -> tf.Tensor:
        return self.conv2(tf.nn.relu(self.conv1(tf.nn.relu(x))))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the layer."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "rematerialize": self.rematerialize,
        }
