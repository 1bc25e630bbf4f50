"""RefineNet: a cascade of refinement blocks from the coarsest map to the finest."""

import os
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import keras

from kerasseg.checks import check_counts, check_rate
from kerasseg.errors import KerassegError
from kerasseg.layers import ChainedResidualPooling, MultiResolutionFusion, ResidualConvUnit
from kerasseg.layers.chained_residual_pooling import check_pooling_order
from kerasseg.models import multi_scale_backbone
from kerasseg.models.arguments import friendly_arguments
from kerasseg.models.segmentation_model import (
    InputShape,
    check_pyramid,
    segmentation_model,
)

# The strides whose paths each refinement block takes, the blocks in the order of the cascade.
CASCADES = {4: ((32,), (16,), (8,), (4,)), 2: ((16, 32), (4, 8)), 1: ((4, 8, 16, 32),)}


class _Path(NamedTuple):
    """A feature map on its way into a block, and the name that its layers begin with."""

    stride: int
    name: str
    feature: keras.KerasTensor


def refinenet_decoder(
    features: Sequence[keras.KerasTensor],
    num_classes: int,
    *,
    cascade: int = 4,
    pooling_order: str = "pool_conv",
    pooling_blocks: int = 2,
    filters: int = 256,
    coarse_filters: int = 512,
    dropout: float = 0.5,
    align_corners: bool = False,
    rematerialize: bool = False,
) -> keras.KerasTensor:
    """Returns the logits `(N, h4, w4, num_classes)`, float32, of a RefineNet.

    Args:
        features: Four maps at strides 4, 8, 16 and 32 with any channel counts, or four a scale,
            those of the largest scale first. Each path is resized to the finest one of its
            block, so that no size needs to divide by 32.
        num_classes: Channels of the logits.
        cascade: How many refinement blocks: 4, 2 or 1; see `RefineNet`.
        pooling_order: `"pool_conv"` or `"conv_pool"`; see `RefineNet`.
        pooling_blocks: Poolings in each chain: 2 in the paper's text, 4 in the authors' code.
        filters: Channels at strides 4, 8 and 16.
        coarse_filters: Channels at stride 32.
        dropout: Rate before the classifier and on the stride-16 and stride-32 features.
        align_corners: The sampling of the resizes; see `ResizeTo`.
        rematerialize: Whether training computes the inside of each unit and chain once more in
            place of keeping it; see `RefineNet`.

    Raises:
        KerassegError: If the features are not four a scale, or an argument is out of its range.

    Example:
        >>> sizes = {4: (25, 41), 8: (13, 21), 16: (7, 11), 32: (4, 6)}
        >>> features = [keras.Input((*size, 8)) for size in sizes.values()]
        >>> refinenet_decoder(features, 5, filters=16, coarse_filters=16).shape
        (None, 25, 41, 5)
    """
    check_pyramid(features, several_scales=True)
    _check_arguments(
        num_classes, cascade, pooling_order, pooling_blocks, filters, coarse_filters, dropout
    )
    unit = partial(ResidualConvUnit, rematerialize=rematerialize)
    fuse = partial(MultiResolutionFusion, align_corners=align_corners)
    pool = partial(
        ChainedResidualPooling,
        num_blocks=pooling_blocks,
        pooling_order=pooling_order,
        rematerialize=rematerialize,
    )
    paths = _paths(features, dropout)
    coarser: list[keras.KerasTensor] = []
    for strides in CASCADES[cascade]:
        adapted = [
            _adapt(path, coarse_filters if path.stride == 32 else filters, unit)
            for path in paths
            if path.stride in strides
        ]
        coarser = [_block([*adapted, *coarser], f"stride{strides[0]}", fuse, pool, unit)]
    x = keras.layers.Dropout(dropout)(coarser[0])
    return keras.layers.Conv2D(num_classes, 3, padding="same", dtype="float32", name="classifier")(
        x
    )


def _check_arguments(
    num_classes: int,
    cascade: int,
    pooling_order: str,
    pooling_blocks: int,
    filters: int,
    coarse_filters: int,
    dropout: float,
) -> None:
    check_counts(
        num_classes=num_classes,
        pooling_blocks=pooling_blocks,
        filters=filters,
        coarse_filters=coarse_filters,
    )
    check_rate("dropout", dropout)
    check_pooling_order(pooling_order)
    if cascade not in tuple(CASCADES):
        raise KerassegError(f"cascade is 4, 2 or 1 refinement blocks; received {cascade!r}.")


def _paths(features: Sequence[keras.KerasTensor], dropout: float) -> list[_Path]:
    """Returns the paths of all scales, the finest stride first and in it the largest scale."""
    paths = []
    for position, stride in enumerate((4, 8, 16, 32)):
        for scale, feature in enumerate(features[position::4], start=1):
            if stride in (16, 32):
                feature = keras.layers.Dropout(dropout)(feature)
            name = f"stride{stride}" if scale == 1 else f"stride{stride}_scale{scale}"
            paths.append(_Path(stride, name, feature))
    return paths


def _adapt(path: _Path, filters: int, unit: partial[ResidualConvUnit]) -> keras.KerasTensor:
    """Reduces a backbone's map to `filters` channels and passes it through two units."""
    conv = keras.layers.Conv2D(
        filters, 3, padding="same", use_bias=False, name=f"{path.name}_reduce"
    )
    return _units(conv(path.feature), 2, f"{path.name}_path", unit)


def _block(
    paths: list[keras.KerasTensor],
    name: str,
    fuse: partial[MultiResolutionFusion],
    pool: partial[ChainedResidualPooling],
    unit: partial[ResidualConvUnit],
) -> keras.KerasTensor:
    """What a refinement block does with its adapted paths and the block before it."""
    x = fuse(name=f"{name}_fuse")(paths)
    x = pool(x.shape[-1], name=f"{name}_crp")(x)
    return _units(x, 3, f"{name}_out", unit)


def _units(
    x: keras.KerasTensor, count: int, name: str, unit: partial[ResidualConvUnit]
) -> keras.KerasTensor:
    for number in range(1, count + 1):
        x = unit(x.shape[-1], name=f"{name}_rcu{number}")(x)
    return x


@friendly_arguments
def RefineNet(  # noqa: N802  (a model's name, as in Keras Applications)
    backbone: str | keras.Model = "resnet101",
    num_classes: int = 21,
    *,
    input_shape: InputShape = (None, None, 3),
    backbone_weights: str | os.PathLike[str] | None = "imagenet",
    weights: str | os.PathLike[str] | None = None,
    activation: str | None = None,
    cascade: int = 4,
    scales: tuple[float, ...] = (1.0,),
    pooling_order: str = "pool_conv",
    pooling_blocks: int = 2,
    filters: int = 256,
    coarse_filters: int = 512,
    dropout: float = 0.5,
    align_corners: bool = False,
    rematerialize: bool = False,
    upsample: bool = True,
    name: str = "refinenet",
) -> keras.Model:
    """RefineNet: RGB pixels 0..255 in, logits at the size of the input out.

    Lin, Milan, Shen, Reid: "RefineNet: Multi-Path Refinement Networks for High-Resolution
    Semantic Segmentation", CVPR 2017, arXiv 1611.06612.

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
        cascade: How many refinement blocks. 4, the paper's best: one a stride. 2: strides 32 and
            16 in the first block, 8 and 4 in the second. 1: all four in one block. The paper
            gives widths for 4 alone; here the path of stride 32 has `coarse_filters` in each, and
            a block goes on with the smallest width that it fuses.
        scales: Factors of the image's size, the largest first: `(1.2, 0.6)` is the paper's
            two-scale network. Each has a backbone with weights of its own, named for example
            `"resnet101_1.2x"`, and every block fuses the paths of all scales. A `keras.Model` as
            `backbone` serves the largest scale, a copy that starts from its weights each other.
        pooling_order: `"pool_conv"` pools before each conv of a chain, as the paper has it;
            `"conv_pool"` after, the authors' improved pooling in most of their released models.
        pooling_blocks: Poolings in each chain. 2 is the paper's text and the default, since
            it is what the paper describes, at half the cost of the chain;
            4 is the graph that the authors released, for their weights and published scores.
        filters: Channels of the decoder at strides 4, 8 and 16.
        coarse_filters: Channels of the decoder at stride 32.
        dropout: Rate before the classifier and on the stride-16 and stride-32 features.
        align_corners: True samples as the authors' framework did; False as TensorFlow does.
        rematerialize: Whether training keeps only the input of each residual unit and pooling
            chain of the decoder, and computes their inside once more for the gradients: less
            memory, more time, the same values, gradients and weights. Saved with the model. The
            backbone is not covered, since its batch norm would count every batch twice.
        upsample: False leaves the logits at the decoder's own stride (4, of the image at its
            largest scale). For an image of less than 32 pixels on a side they are those of the
            padded image.
        name: Name of the model.

    Raises:
        KerassegError: For an unknown backbone, weights that cannot be had, or an argument out
            of its range; the message says what is accepted.

    Example:
        >>> import numpy as np
        >>> model = RefineNet("mobilenetv2", 5, backbone_weights=None, filters=16,
        ...                   coarse_filters=16)
        >>> model.predict(np.zeros((1, 33, 47, 3), "uint8"), verbose=0).shape
        (1, 33, 47, 5)
    """
    _check_arguments(
        num_classes, cascade, pooling_order, pooling_blocks, filters, coarse_filters, dropout
    )
    multi_scale_backbone.check_scales(scales)
    decoder = partial(
        refinenet_decoder,
        cascade=cascade,
        pooling_order=pooling_order,
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
        create_backbone=partial(multi_scale_backbone.create, scales=scales),
        input_shape=input_shape,
        backbone_weights=backbone_weights,
        weights=weights,
        activation=activation,
        align_corners=align_corners,
        upsample=upsample,
        name=name,
    )
