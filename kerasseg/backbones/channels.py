"""Images of other than three channels before networks that know RGB.

One channel is seen as a grey photo: each kernel of the first conv is summed over R, G and B. More
channels are seen as R, G, B, R, G, B ... in turn: the kernels are repeated so, and multiplied by
3 / channels, so that what they answer keeps its size. Mean and deviation of the pixels go the same
way: averaged over R, G and B for one channel, repeated in turn for more.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kerasseg.backbones.rewiring import rewired


def normalization_of(normalization: Mapping[str, Any], channels: int) -> dict[str, Any]:
    """Returns the arguments of a `PixelNormalization` for so many channels.

    Args:
        normalization: Those for RGB.
        channels: 3 for the same ones. Any other number comes in the order of the image's
            channels: where RGB becomes BGR, `on_channels` reorders the kernels in its place.
    """
    if channels == 3:
        return dict(normalization)
    mean, std = (_in_rgb(normalization, key) for key in ("mean", "std"))
    if channels == 1:
        return {"mean": (float(mean.mean()),), "std": (float(std.mean()),)}
    turns = np.arange(channels) % 3
    return {"mean": tuple(mean[turns].tolist()), "std": tuple(std[turns].tolist())}


def on_channels(
    network: keras.Model, pixels: Any, normalization: Mapping[str, Any], pretrained: bool
) -> keras.Model:
    """Returns a copy of a network whose first conv takes the pixels' number of channels.

    Args:
        network: A network on RGB, normalized already.
        pixels: Symbolic tensor `(N, H, W, channels)`, normalized by `normalization_of`.
        normalization: That for RGB.
        pretrained: Whether the first conv's weights are worth adapting. If not, it begins with
            values of its own initializer.
    """
    stem = next(layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
    copy = rewired(network, pixels, new=stem.name)
    if pretrained:
        kernel, *bias = stem.get_weights()
        kernel = _adapted(_kernel_in_rgb(kernel, normalization), pixels.shape[-1])
        copy.get_layer(stem.name).set_weights([kernel, *bias])
    return copy


def _adapted(kernel: np.ndarray, channels: int) -> np.ndarray:
    """Turns a kernel `(h, w, 3, filters)` over RGB into one over so many channels."""
    if channels == 1:
        return kernel.sum(axis=2, keepdims=True)
    return kernel[:, :, np.arange(channels) % 3] * np.float32(3 / channels)


def _in_rgb(normalization: Mapping[str, Any], key: str) -> np.ndarray:
    return np.array(normalization[key])[:: _step(normalization)]


def _kernel_in_rgb(kernel: np.ndarray, normalization: Mapping[str, Any]) -> np.ndarray:
    return kernel[:, :, :: _step(normalization)]


def _step(normalization: Mapping[str, Any]) -> int:
    return -1 if normalization.get("reverse_channels") else 1
