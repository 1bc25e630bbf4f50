"""Light-Weight RefineNet: the cascade without its residual units, its convs 1x1."""

import os
from collections.abc import Sequence
from functools import partial

import keras

from kerasseg.checks import check_counts, check_rate
from kerasseg.layers import ChainedResidualPooling, MultiResolutionFusion
from kerasseg.models.arguments import friendly_arguments
from kerasseg.models.segmentation_model import (
    InputShape,
    check_pyramid,
    segmentation_model,
)


def light_weight_refinenet_decoder(
    features: Sequence[keras.KerasTensor],
    num_classes: int,
    *,
    pooling_blocks: int = 4,
    filters: int = 256,
    coarse_filters: int = 512,
    dropout: float = 0.5,
    align_corners: bool = False,
    rematerialize: bool = False,
) -> keras.KerasTensor:
    """Returns the logits `(N, h4, w4, num_classes)`, float32, of a Light-Weight RefineNet.

    Args:
        features: Four maps at strides 4, 8, 16 and 32 with any channel counts. Each path is
            resized to the next one's size, so that no size needs to divide by 32.
        num_classes: Channels of the logits.
        pooling_blocks: Poolings in each chain.
        filters: Channels at strides 4, 8 and 16.
        coarse_filters: Channels at stride 32.
        dropout: Rate on the stride-16 and stride-32 features.
        align_corners: The sampling of the resizes; see `ResizeTo`.
        rematerialize: Whether training computes the inside of each chain once more in place of
            keeping it; see `LightWeightRefineNet`.

    Raises:
        KerassegError: If there are not four features, or an argument is out of its range.

    Example:
        >>> sizes = {4: (25, 41), 8: (13, 21), 16: (7, 11), 32: (4, 6)}
        >>> features = [keras.Input((*size, 8)) for size in sizes.values()]
        >>> light_weight_refinenet_decoder(features, 5, filters=16, coarse_filters=16).shape
        (None, 25, 41, 5)
    """
    check_pyramid(features)
    _check_arguments(num_classes, pooling_blocks, filters, coarse_filters, dropout)
    c2, c3, c4, c5 = features
    c4, c5 = (keras.layers.Dropout(dropout)(feature) for feature in (c4, c5))

    def refine(
        feature: keras.KerasTensor, coarser: keras.KerasTensor | None, width: int, name: str
    ) -> keras.KerasTensor:
        path = keras.layers.Conv2D(width, 1, use_bias=False, name=f"{name}_reduce")(feature)
        fuse = MultiResolutionFusion(1, align_corners, name=f"{name}_fuse")
        x = fuse([path] if coarser is None else [path, coarser])
        pool = ChainedResidualPooling(
            x.shape[-1], pooling_blocks, 1, rematerialize=rematerialize, name=f"{name}_crp"
        )
        return pool(x)

    x = refine(c5, None, coarse_filters, "stride32")
    x = refine(c4, x, filters, "stride16")
    x = refine(c3, x, filters, "stride8")
    x = refine(c2, x, filters, "stride4")
    return keras.layers.Conv2D(num_classes, 3, padding="same", dtype="float32", name="classifier")(
        x
    )


def _check_arguments(
    num_classes: int, pooling_blocks: int, filters: int, coarse_filters: int, dropout: float
) -> None:
    check_counts(
        num_classes=num_classes,
        pooling_blocks=pooling_blocks,
        filters=filters,
        coarse_filters=coarse_filters,
    )
    check_rate("dropout", dropout)


@friendly_arguments
def LightWeightRefineNet(  # noqa: N802  (a model's name, as in Keras Applications)
    backbone: str | keras.Model = "resnet101",
    num_classes: int = 21,
    *,
    input_shape: InputShape = (None, None, 3),
    backbone_weights: str | os.PathLike[str] | None = "imagenet",
    weights: str | os.PathLike[str] | None = None,
    activation: str | None = None,
    pooling_blocks: int = 4,
    filters: int = 256,
    coarse_filters: int = 512,
    dropout: float = 0.5,
    align_corners: bool = False,
    rematerialize: bool = False,
    upsample: bool = True,
    name: str = "light_weight_refinenet",
) -> keras.Model:
    """Light-Weight RefineNet: RGB pixels 0..255 in, logits at the size of the input out.

    Nekrasov, Shen, Reid: "Light-Weight RefineNet for Real-Time Semantic Segmentation", BMVC
    2018, arXiv 1810.03272. RefineNet without its residual units, every conv of the decoder 1x1
    but for the classifier's 3x3: a twentieth of the decoder's parameters.

    Images `(N, H, W, 3)`, uint8 or float, of any height and width go in; the backbone's own
    normalisation is inside. Logits `(N, H, W, num_classes)` in float32 come out.

    Args:
        backbone: A name of `kerasseg.backbones.names()`, or a `keras.Model` with four outputs
            at strides 4, 8, 16 and 32.
        num_classes: How many classes; void is none of them. 1 with `activation="sigmoid"` for a
            binary mask.
        input_shape: Height, width (None where they vary) and channels.
        backbone_weights: `"imagenet"`, the path of a file, or None for random ones.
        weights: Path of a file with weights of the whole model.
        activation: `"softmax"` or `"sigmoid"` for probabilities; None for logits.
        pooling_blocks: Poolings in each chain.
        filters: Channels of the decoder at strides 4, 8 and 16.
        coarse_filters: Channels of the decoder at stride 32.
        dropout: Rate on the stride-16 and stride-32 features, as in the later releases of the
            authors' code; the first one had none, and none has any before the classifier.
        align_corners: True samples as the authors' framework did; False as TensorFlow does.
        rematerialize: Whether training keeps only the input of each pooling chain and computes
            its inside once more for the gradients: less memory, more time, the same values,
            gradients and weights. Saved with the model. The backbone is not covered.
        upsample: False leaves the logits at the decoder's own stride (4). For an image of less
            than 32 pixels on a side they are those of the padded image.
        name: Name of the model.

    Raises:
        KerassegError: For an unknown backbone, weights that cannot be had, or an argument out
            of its range; the message says what is accepted.

    Example:
        >>> import numpy as np
        >>> model = LightWeightRefineNet("mobilenetv2", 5, backbone_weights=None, filters=16,
        ...                              coarse_filters=16)
        >>> model.predict(np.zeros((1, 33, 47, 3), "uint8"), verbose=0).shape
        (1, 33, 47, 5)
    """
    _check_arguments(num_classes, pooling_blocks, filters, coarse_filters, dropout)
    decoder = partial(
        light_weight_refinenet_decoder,
        pooling_blocks=pooling_blocks,
        filters=filters,
        coarse_filters=coarse_filters,
        dropout=dropout,
        align_corners=align_corners,
        rematerialize=rematerialize,
    )
    return segmentation_model(
        decoder,
        num_classes,
        backbone=backbone,
        input_shape=input_shape,
        backbone_weights=backbone_weights,
        weights=weights,
        activation=activation,
        align_corners=align_corners,
        upsample=upsample,
        name=name,
    )
