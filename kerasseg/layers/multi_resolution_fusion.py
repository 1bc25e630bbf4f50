"""The multi-resolution fusion of RefineNet."""

from typing import Any, TypeAlias

import keras
import tensorflow as tf

from kerasseg.checks import check_counts
from kerasseg.errors import KerassegError
from kerasseg.layers.initialization import quiet_start
from kerasseg.layers.resize_to import ResizeTo

Shape: TypeAlias = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="kerasseg")
class MultiResolutionFusion(keras.layers.Layer):
    """Multi-resolution fusion: a conv on each path, then resizing to the finest, then the sum.

    Each 3x3 conv, without bias, maps its path to the smallest channel count among the inputs
    *before* the resize. A single input passes untouched, not even through a conv. The layer is
    linear in its inputs (Lin et al., CVPR 2017, arXiv 1611.06612, section 3.2, figure 3c).

    Call arguments:
        paths: A list of `(N, h_i, w_i, C_i)`, the finest first.

    Output: `(N, h_0, w_0, min C_i)`.

    Args:
        kernel_size: Side of the conv kernels: 3 in RefineNet, 1 in Light-Weight RefineNet.
        align_corners: The sampling of the resize; see `ResizeTo`.

    Raises:
        KerassegError: If `kernel_size` is no whole number of at least 1, or a path is finer than
            the first.

    Example:
        >>> import numpy as np
        >>> paths = [np.ones((1, 7, 9, 4)), np.ones((1, 4, 5, 8))]
        >>> MultiResolutionFusion()(paths).shape
        TensorShape([1, 7, 9, 4])
    """

    def __init__(self, kernel_size: int = 3, align_corners: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_counts(kernel_size=kernel_size)
        self.kernel_size = kernel_size
        self.align_corners = align_corners
        self.resize = ResizeTo(align_corners, dtype=self.dtype_policy)
        self.convs: list[keras.layers.Layer] = []

    def build(self, input_shape: list[Shape]) -> None:
        """Makes and builds a conv a path: only the shapes tell how many and how wide."""
        _check_finest_first(self.name, input_shape)
        if len(input_shape) == 1:
            return
        filters = min(shape[-1] for shape in input_shape if shape[-1] is not None)
        self.convs = [self._conv(filters, number) for number in range(1, len(input_shape) + 1)]
        for conv, shape in zip(self.convs, input_shape, strict=True):
            conv.build(shape)

    def _conv(self, filters: int, number: int) -> keras.layers.Layer:
        return keras.layers.Conv2D(
            filters,
            self.kernel_size,
            padding="same",
            use_bias=False,
            kernel_initializer=quiet_start(),
            dtype=self.dtype_policy,
            name=f"conv{number}",
        )

    def call(self, paths: list[tf.Tensor]) -> tf.Tensor:
        """Returns the fused map at the size of the first path."""
        if len(paths) == 1:
            return paths[0]
        total, *coarser = [conv(path) for conv, path in zip(self.convs, paths, strict=True)]
        for path in coarser:
            total = total + self.resize(path, total)
        return total

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Returns the first path's shape with the smallest channel count."""
        channels = min(shape[-1] for shape in input_shape if shape[-1] is not None)
        return (*input_shape[0][:3], channels)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the layer."""
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "align_corners": self.align_corners,
        }


def _check_finest_first(name: str, shapes: list[Shape]) -> None:
    for shape in shapes[1:]:
        for first, other in zip(shapes[0][1:3], shape[1:3], strict=True):
            if first is not None and other is not None and other > first:
                raise KerassegError(
                    f"{name}: the finest path comes first; received {shapes[0]} before {shape}."
                )
