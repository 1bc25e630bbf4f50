"""The backbones that have a name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from kerasseg.backbones import efficientnet_lite, unsupported
from kerasseg.backbones.keras_applications import (
    CAFFE,
    MINUS_ONE_TO_ONE,
    OVER_128,
    STANDARDIZED,
    application,
    efficientnet,
)
from kerasseg.backbones.weights_file import Weights
from kerasseg.errors import KerassegError, unknown_name


@dataclass(frozen=True)
class Backbone:
    """How one backbone is made.

    Attributes:
        build: Takes the normalized pixels (symbolic, RGB) and the weights, and returns the
            network.
        features: The names of its layers whose outputs have the strides 4, 8, 16 and 32.
        normalization: The arguments of its `PixelNormalization`, for RGB.
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


def _resnet_v2(builder: str, blocks_at_8: int, blocks_at_16: int) -> Backbone:
    # The last block of a stage halves the map; the block before it has all of the stage's width.
    features = (
        "conv2_block2_out",
        f"conv3_block{blocks_at_8 - 1}_out",
        f"conv4_block{blocks_at_16 - 1}_out",
        "post_relu",
    )
    return Backbone(application(builder), features, MINUS_ONE_TO_ONE)


def _densenet(builder: str, blocks_at_16: int) -> Backbone:
    features = (
        "conv2_block6_concat",
        "conv3_block12_concat",
        f"conv4_block{blocks_at_16}_concat",
        "relu",
    )
    return Backbone(application(builder), features, STANDARDIZED)


def _efficientnet(builder: str) -> Backbone:
    # A stage is left where the next one has expanded its map and not yet strided.
    features = (
        "block3a_expand_activation",
        "block4a_expand_activation",
        "block6a_expand_activation",
        "top_activation",
    )
    return Backbone(efficientnet(builder), features, STANDARDIZED)


def _efficientnet_v2(builder: str, last_at_4: str, normalization: Mapping[str, Any]) -> Backbone:
    # At stride 4 the next stage expands and strides in one convolution.
    features = (
        f"block2{last_at_4}_add",
        "block4a_expand_activation",
        "block6a_expand_activation",
        "top_activation",
    )
    return Backbone(application(builder, include_preprocessing=False), features, normalization)


def _mobilenet_v3(builder: str, *layers: str) -> Backbone:
    # Its activations are named by a counter of the session, so sums and batch norms are taken.
    at_4, at_8, at_16, at_32 = (f"expanded_conv_{layer}" for layer in layers)
    build = application(builder, include_preprocessing=False)
    return Backbone(build, (at_4, at_8, at_16, at_32), MINUS_ONE_TO_ONE)


def _vgg(builder: str, convs: int) -> Backbone:
    features = (f"block3_conv{convs}", f"block4_conv{convs}", f"block5_conv{convs}", "block5_pool")
    return Backbone(application(builder), features, CAFFE)


_BACKBONES = {
    "resnet50": _resnet("ResNet50", 4, 6),
    "resnet101": _resnet("ResNet101", 4, 23),
    "resnet152": _resnet("ResNet152", 8, 36),
    "resnet50v2": _resnet_v2("ResNet50V2", 4, 6),
    "resnet101v2": _resnet_v2("ResNet101V2", 4, 23),
    "resnet152v2": _resnet_v2("ResNet152V2", 8, 36),
    "densenet121": _densenet("DenseNet121", 24),
    "densenet169": _densenet("DenseNet169", 32),
    "densenet201": _densenet("DenseNet201", 48),
    "efficientnet_lite0": Backbone(
        efficientnet_lite.efficientnet_lite0,
        efficientnet_lite.FEATURES,
        efficientnet_lite.NORMALIZATION,
    ),
    **{f"efficientnetb{size}": _efficientnet(f"EfficientNetB{size}") for size in range(8)},
    "efficientnetv2b0": _efficientnet_v2("EfficientNetV2B0", "b", STANDARDIZED),
    "efficientnetv2b1": _efficientnet_v2("EfficientNetV2B1", "c", STANDARDIZED),
    "efficientnetv2b2": _efficientnet_v2("EfficientNetV2B2", "c", STANDARDIZED),
    "efficientnetv2b3": _efficientnet_v2("EfficientNetV2B3", "c", STANDARDIZED),
    "efficientnetv2s": _efficientnet_v2("EfficientNetV2S", "d", OVER_128),
    "efficientnetv2m": _efficientnet_v2("EfficientNetV2M", "e", OVER_128),
    "efficientnetv2l": _efficientnet_v2("EfficientNetV2L", "g", OVER_128),
    "mobilenet": Backbone(
        application("MobileNet"),
        ("conv_pw_3_relu", "conv_pw_5_relu", "conv_pw_11_relu", "conv_pw_13_relu"),
        MINUS_ONE_TO_ONE,
    ),
    "mobilenetv2": Backbone(
        application("MobileNetV2"),
        ("block_3_expand_relu", "block_6_expand_relu", "block_13_expand_relu", "out_relu"),
        MINUS_ONE_TO_ONE,
    ),
    "mobilenetv3small": _mobilenet_v3("MobileNetV3Small", "project_bn", "2_add", "7_add", "10_add"),
    "mobilenetv3large": _mobilenet_v3("MobileNetV3Large", "2_add", "5_add", "11_add", "14_add"),
    "vgg16": _vgg("VGG16", 3),
    "vgg19": _vgg("VGG19", 4),
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
        KerassegError: If there is none; the message names the nearest, or says why a network of
            Keras Applications is none.
    """
    if name in names():
        return _BACKBONES[name]
    spelling = _spelling(name)
    why = unsupported.reason(spelling)
    if why:
        raise KerassegError(f"{name!r} is no backbone: {why}")
    known = {_spelling(other): other for other in _BACKBONES}
    if spelling in known:
        raise KerassegError(
            f"unknown backbone {name!r}: did you mean {known[spelling]!r}? "
            "kerasseg.backbones.names() lists all names."
        )
    raise unknown_name("backbone", name, _BACKBONES)


def _spelling(name: object) -> str:
    """Returns the letters and digits of a name, so that "EfficientNetV2-S" is found."""
    return "".join(filter(str.isalnum, str(name).lower()))
