"""The backbones that have a name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from kerasseg.backbones import efficientnet_lite
from kerasseg.backbones.keras_applications import (
    CAFFE,
    MINUS_ONE_TO_ONE,
    STANDARDIZED,
    application,
)
from kerasseg.backbones.weights_file import Weights
from kerasseg.errors import unknown_name


@dataclass(frozen=True)
class Backbone:
    """How one backbone is made.

    Attributes:
        build: Takes the normalized pixels (symbolic) and the weights, and returns the network.
        features: The names of its layers whose outputs have the strides 4, 8, 16 and 32.
        normalization: The arguments of its `PixelNormalization`.
    """

    build: Callable[[Any, Weights], keras.Model]
    features: tuple[str, str, str, str]
    normalization: Mapping[str, Any]


def _resnet(builder: str, blocks_at_8: int, blocks_at_16: int) -> Backbone:
    features = (
        "conv2_block3_out",
        f"conv3_block{blocks_at_8}_out",
        f"conv4_block{blocks_at_16}_out",
        "conv5_block3_out",
    )
    return Backbone(application(builder), features, CAFFE)


_BACKBONES = {
    "resnet50": _resnet("ResNet50", 4, 6),
    "resnet101": _resnet("ResNet101", 4, 23),
    "resnet152": _resnet("ResNet152", 8, 36),
    "mobilenetv2": Backbone(
        application("MobileNetV2"),
        ("block_3_expand_relu", "block_6_expand_relu", "block_13_expand_relu", "out_relu"),
        MINUS_ONE_TO_ONE,
    ),
    "efficientnetv2b0": Backbone(
        application("EfficientNetV2B0", include_preprocessing=False),
        (
            "block2b_add",
            "block4a_expand_activation",
            "block6a_expand_activation",
            "top_activation",
        ),
        STANDARDIZED,
    ),
    "efficientnet_lite0": Backbone(
        efficientnet_lite.efficientnet_lite0,
        efficientnet_lite.FEATURES,
        efficientnet_lite.NORMALIZATION,
    ),
}


def names() -> tuple[str, ...]:
    """Returns the names that `create` takes, in the order of the catalogue.

    Example:
        >>> "resnet101" in names()
        True
    """
    return tuple(_BACKBONES)


def find(name: str) -> Backbone:
    """Returns the backbone of this name.

    Raises:
        KerassegError: If there is none; the message names the nearest.
    """
    if name not in names():
        raise unknown_name("backbone", name, _BACKBONES)
    return _BACKBONES[name]
