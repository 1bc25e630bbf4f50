"""DilatedFCN: a ResNet dilated to stride 8 under a plain head, the measure of EfficientFCN."""

import os
from collections.abc import Sequence
from functools import partial

import keras

from kerasseg.backbones import dilated
from kerasseg.checks import check_counts, check_rate
from kerasseg.models.arguments import friendly_arguments
from kerasseg.models.segmentation_model import (
    InputShape,
    check_pyramid,
    segmentation_model,
)


def dilated_fcn_decoder(
    features: Sequence[keras.KerasTensor],
    num_classes: int,
    *,
    head_filters: int = 512,
    dropout: float = 0.1,
) -> keras.KerasTensor:
    """Returns the logits `(N, h8, w8, num_classes)`, float32, of the plain FCN head.

    A 3x3 conv without bias, batch norm, ReLU, dropout and a 1x1 conv to the classes.

    Args:
        features: Four maps, the last of which is used: at stride 8 for a DilatedFCN.
        num_classes: Channels of the logits.
        head_filters: Channels of the 3x3 conv.
        dropout: Rate of the dropout before the classifier.

    Raises:
        KerassegError: If there are not four features, or an argument is out of its range.

    Example:
        >>> features = [keras.Input((25, 41, 8)), *(keras.Input((13, 21, 8)) for _ in range(3))]
        >>> dilated_fcn_decoder(features, 5, head_filters=16).shape
        (None, 13, 21, 5)
    """
    check_pyramid(features)
    _check_arguments(num_classes, head_filters, dropout)
    x = keras.layers.Conv2D(head_filters, 3, padding="same", use_bias=False, name="head")(
        features[-1]
    )
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="head_bn")(x)
    x = keras.layers.ReLU(name="head_relu")(x)
    x = keras.layers.Dropout(dropout)(x)
    return keras.layers.Conv2D(num_classes, 1, dtype="float32", name="classifier")(x)


def _check_arguments(num_classes: int, head_filters: int, dropout: float) -> None:
    check_counts(num_classes=num_classes, head_filters=head_filters)
    check_rate("dropout", dropout)


@friendly_arguments
def DilatedFCN(  # noqa: N802  (a model's name, as in Keras Applications)
    backbone: str | keras.Model = "resnet101",
    num_classes: int = 21,
    *,
    input_shape: InputShape = (None, None, 3),
    backbone_weights: str | os.PathLike[str] | None = "imagenet",
    weights: str | os.PathLike[str] | None = None,
    activation: str | None = None,
    head_filters: int = 512,
    dropout: float = 0.1,
    align_corners: bool = False,
    upsample: bool = True,
    name: str = "dilated_fcn",
) -> keras.Model:
    """DilatedFCN: RGB pixels 0..255 in, logits at the size of the input out.

    The network that EfficientFCN (ECCV 2020, arXiv 2008.10487) is measured against: a ResNet
    whose last two stages stay at stride 8, dilated by 2 and 4 (Yu, Koltun, Funkhouser: "Dilated
    Residual Networks", CVPR 2017, arXiv 1705.09914), under the head of a fully convolutional
    network. It takes the weights of the plain ResNet.

    Images `(N, H, W, 3)`, uint8 or float, of any height and width go in; the backbone's own
    normalisation is inside. Logits `(N, H, W, num_classes)` in float32 come out.

    Args:
        backbone: `"resnet50"`, `"resnet101"` or `"resnet152"`; or a `keras.Model` with four
            outputs at strides 4, 8, 8 and 8.
        num_classes: How many classes; void is none of them. 1 with `activation="sigmoid"` for a
            binary mask.
        input_shape: Height, width (None where they vary) and channels.
        backbone_weights: `"imagenet"`, the path of a file, or None for random ones.
        weights: Path of a file with weights of the whole model.
        activation: `"softmax"` or `"sigmoid"` for probabilities; None for logits.
        head_filters: Channels of the head's 3x3 conv: a quarter of the backbone's by default.
        dropout: Rate of the dropout before the classifier.
        align_corners: The sampling of the last resize; see `ResizeTo`.
        upsample: False leaves the logits at the decoder's own stride (8). For an image of less
            than 32 pixels on a side they are those of the padded image.
        name: Name of the model.

    Raises:
        KerassegError: For an unknown backbone, weights that cannot be had, or an argument
            out of its range; the message says what is accepted.

    Example:
        >>> import numpy as np
        >>> model = DilatedFCN("resnet50", 5, backbone_weights=None, head_filters=16)
        >>> tuple(model(np.zeros((1, 33, 47, 3), "uint8")).shape)
        (1, 33, 47, 5)
    """
    _check_arguments(num_classes, head_filters, dropout)
    decoder = partial(dilated_fcn_decoder, head_filters=head_filters, dropout=dropout)
    return segmentation_model(
        decoder,
        num_classes,
        backbone=backbone,
        create_backbone=dilated.create,
        input_shape=input_shape,
        backbone_weights=backbone_weights,
        weights=weights,
        activation=activation,
        align_corners=align_corners,
        upsample=upsample,
        name=name,
    )
