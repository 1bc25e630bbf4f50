"""Batch norm as a part of the conv before it.

In inference batch norm is `scale * (y - mean) + beta` with `scale = gamma / sqrt(variance +
epsilon)`, one a channel. Of the output `y` of a conv that is a conv with the kernel
`scale * kernel` and the bias `scale * (bias - mean) + beta` (Jacob et al., CVPR 2018,
arXiv 1712.05877, section 3.2).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

import keras
import numpy as np

Layer: TypeAlias = keras.layers.Layer

_CONVS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Conv2DTranspose,
)


def foldable(model: keras.Model) -> Iterator[tuple[Layer, Layer]]:
    """Gives each conv and the batch norm that can be folded into it; nested models are looked into.

    That is where nothing else sees what the conv gives, and each of them is called once.

    Args:
        model: A functional model.
    """
    nodes = [node for level in model._nodes_by_depth.values() for node in level]
    called = Counter(id(node.operation) for node in nodes)
    seen = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    seen.update(id(tensor) for tensor in model.outputs)
    for node in nodes:
        norm = node.operation
        if isinstance(norm, keras.Model):
            yield from foldable(norm)
        if type(norm) is not keras.layers.BatchNormalization or called[id(norm)] > 1:
            continue
        source = node.input_tensors[0]
        conv = source._keras_history.operation
        alone = seen[id(source)] == called[id(conv)] == 1
        if alone and _fits(conv, norm) and not node.arguments.kwargs.get("training"):
            yield conv, norm


def _fits(conv: Layer, norm: Layer) -> bool:
    if type(conv) not in _CONVS or conv.data_format != "channels_last":
        return False
    return conv.activation is keras.activations.linear and norm.axis in (-1, 3)


def folded_config(conv: Layer) -> dict[str, Any]:
    """Returns the configuration of a conv that has the batch norm in it."""
    return {**conv.get_config(), "use_bias": True}


def folded_weights(conv: Layer, norm: Layer) -> list[np.ndarray]:
    """Returns the weights of a conv that has the batch norm in it, computed in float64.

    Args:
        conv: One of those that `foldable` gives.
        norm: The batch norm that follows it.
    """
    mean, variance = (_values(each) for each in (norm.moving_mean, norm.moving_variance))
    scale = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        scale *= _values(norm.gamma)
    beta = _values(norm.beta) if norm.center else 0.0
    *kernels, kernel = conv.get_weights()[: -1 if conv.use_bias else None]
    bias = _values(conv.bias) if conv.use_bias else 0.0
    folded = np.asarray(kernel, np.float64) * _by_kernel(conv, scale, kernel)
    weights = [*kernels, folded, scale * (bias - mean) + beta]
    return [np.asarray(weight, np.float32) for weight in weights]


def _by_kernel(conv: Layer, scale: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Returns one factor a channel in the place that channels have in the kernel."""
    if isinstance(conv, keras.layers.Conv2DTranspose):
        return scale[:, np.newaxis]
    if isinstance(conv, keras.layers.DepthwiseConv2D):
        return scale.reshape(kernel.shape[2:])
    return scale


def _values(weight: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(weight).astype(np.float64)
