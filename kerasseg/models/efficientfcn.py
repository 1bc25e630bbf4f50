"""EfficientFCN: a holistic codebook from the coarsest map, assembled at stride 8."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from numbers import Integral
from typing import Literal, TypeAlias

import keras

from kerasseg.checks import check_counts, check_rate
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.layers import CodebookGeneration, CodewordAssembly, ResizeTo
from kerasseg.models.arguments import friendly_arguments
from kerasseg.models.segmentation_model import (
    InputShape,
    check_pyramid,
    segmentation_model,
)

Maps: TypeAlias = keras.KerasTensor
Codewords: TypeAlias = int | Literal["auto"]
VARIANTS = ("release", "paper")


def efficientfcn_decoder(
    features: Sequence[Maps],
    num_classes: int,
    *,
    variant: str = "release",
    num_codewords: Codewords = 256,
    fusion_filters: int = 512,
    codeword_filters: int = 1024,
    guided: bool = True,
    dropout: float = 0.1,
    align_corners: bool = False,
) -> Maps:
    """Returns the logits `(N, h8, w8, num_classes)`, float32, of EfficientFCN.

    Args:
        features: Four maps at strides 4, 8, 16 and 32 with any channel counts; the one at
            stride 4 is not used.
        num_classes: Channels of the logits.
        variant: `"release"` or `"paper"`; see `EfficientFCN`.
        num_codewords: n, the size of the codebook; `"auto"` for four times `num_classes`.
        fusion_filters: Channels that each map is compressed to before the fusion.
        codeword_filters: c, the length of a codeword.
        guided: Whether the assembly weights see the mean of the codeword base.
        dropout: Rate of the spatial dropout before the classifier (`"release"` only).
        align_corners: The sampling of the resizes; see `ResizeTo`.

    Raises:
        KerassegError: If there are not four features, or an argument is out of its range.

    Example:
        >>> sizes = {4: (25, 41), 8: (13, 21), 16: (7, 11), 32: (4, 6)}
        >>> features = [keras.Input((*size, 8)) for size in sizes.values()]
        >>> efficientfcn_decoder(features, 5, num_codewords=16).shape
        (None, 13, 21, 5)
    """
    check_pyramid(features)
    _check_arguments(variant, num_classes, num_codewords, fusion_filters, codeword_filters, dropout)
    num_codewords = 4 * num_classes if num_codewords == "auto" else num_codewords
    release = variant == "release"
    block = _conv_bn if release else _conv
    m8, m32 = _fuse(features, block, fusion_filters, release, align_corners)

    base = block(m32, codeword_filters, "codeword_base")
    weighting = _twice(block, m32, num_codewords, "weighting", last_relu=False, once=not release)
    codebook = CodebookGeneration(name="codebook")(base, weighting)

    guidance = block(m8, codeword_filters, "guidance")
    informed = _plus_mean(guidance, base) if guided else guidance
    weights = _twice(block, informed, num_codewords, "assembly", once=not release)
    assembled = CodewordAssembly(scaled=release, name="assemble")(codebook, weights)

    x = keras.layers.Concatenate(name="assembled_and_guidance")([assembled, guidance])
    if release:
        x = block(x, codeword_filters, "fuse")
        x = keras.layers.SpatialDropout2D(dropout)(x)
    return keras.layers.Conv2D(num_classes, 1, dtype="float32", name="classifier")(x)


def _check_arguments(
    variant: str,
    num_classes: int,
    num_codewords: Codewords,
    fusion_filters: int,
    codeword_filters: int,
    dropout: float,
) -> None:
    if variant not in VARIANTS:
        raise unknown_name("variant", variant, VARIANTS)
    check_counts(
        num_classes=num_classes,
        fusion_filters=fusion_filters,
        codeword_filters=codeword_filters,
    )
    if isinstance(num_codewords, Integral):
        check_counts(num_codewords=num_codewords)
    elif num_codewords != "auto":
        raise KerassegError(
            "num_codewords is a whole number of at least 1, or 'auto' for four times num_classes; "
            f"received {num_codewords!r}."
        )
    check_rate("dropout", dropout)


def _fuse(
    features: Sequence[Maps],
    block: Callable[..., Maps],
    filters: int,
    keep_fitting: bool,
    align_corners: bool,
) -> tuple[Maps, Maps]:
    """Compresses the three coarser maps and gathers them at stride 8 and at stride 32."""
    _, e8, c4, c5 = features
    if not (keep_fitting and e8.shape[-1] == filters):
        e8 = block(e8, filters, "compress8")
    e16, e32 = block(c4, filters, "compress16"), block(c5, filters, "compress32")

    def resize(x: Maps, reference: Maps) -> Maps:
        return ResizeTo(align_corners)(x, reference)

    gather = keras.layers.Concatenate
    m8 = gather(name="fuse8")([e8, resize(e16, e8), resize(e32, e8)])
    m32 = gather(name="fuse32")([resize(e8, e32), resize(e16, e32), e32])
    return m8, m32


def _plus_mean(guidance: Maps, base: Maps) -> Maps:
    """Tells each fine position what the codewords are made of."""
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name="codeword_base_mean")(base)
    return keras.layers.Add(name="guidance_plus_mean")([guidance, mean])


def _conv(x: Maps, filters: int, name: str, *, relu: bool = True) -> Maps:
    """The paper's text: one 1x1 conv, whatever follows it in the release."""
    return keras.layers.Conv2D(filters, 1, name=name)(x)


def _conv_bn(x: Maps, filters: int, name: str, *, relu: bool = True) -> Maps:
    """The release: 1x1 conv without bias, batch norm, ReLU."""
    x = keras.layers.Conv2D(filters, 1, use_bias=False, name=name)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _twice(
    block: Callable[..., Maps],
    x: Maps,
    filters: int,
    name: str,
    *,
    last_relu: bool = True,
    once: bool = False,
) -> Maps:
    """Two blocks in a row, as the release has them, or the paper's one."""
    if once:
        return block(x, filters, name)
    return block(block(x, filters, f"{name}1"), filters, f"{name}2", relu=last_relu)


@friendly_arguments
def EfficientFCN(  # noqa: N802  (a model's name, as in Keras Applications)
    backbone: str | keras.Model = "resnet101",
    num_classes: int = 21,
    *,
    input_shape: InputShape = (None, None, 3),
    backbone_weights: str | os.PathLike[str] | None = "imagenet",
    weights: str | os.PathLike[str] | None = None,
    activation: str | None = None,
    variant: str = "release",
    num_codewords: Codewords = 256,
    fusion_filters: int = 512,
    codeword_filters: int = 1024,
    guided: bool = True,
    dropout: float = 0.1,
    align_corners: bool = False,
    upsample: bool = True,
    name: str = "efficientfcn",
) -> keras.Model:
    """EfficientFCN: RGB pixels 0..255 in, logits at the size of the input out.

    Liu, He, Zhang, Ren, Li: "EfficientFCN: Holistically-guided Decoding for Semantic
    Segmentation", ECCV 2020, arXiv 2008.10487.

    Images `(N, H, W, 3)`, uint8 or float, of any height and width go in; the backbone's own
    normalisation is inside. Logits `(N, H, W, num_classes)` in float32 come out. The codebook
    sees the whole image: padding or tiling an image changes every pixel of its logits.

    Args:
        backbone: A name of `kerasseg.backbones.names()`, or a `keras.Model` with four outputs
            at strides 4, 8, 16 and 32.
        num_classes: How many classes; void is none of them. 1 with `activation="sigmoid"` for a
            binary mask.
        input_shape: Height, width (None where they vary) and channels.
        backbone_weights: `"imagenet"`, the path of a file, or None for random ones.
        weights: Path of a file with weights of the whole model.
        activation: `"softmax"` or `"sigmoid"` for probabilities; None for logits.
        variant: `"release"` is the first author's code and the default, since the published
            scores come from it and it says what the paper leaves open (batch norm, ReLU, two
            convs for the weights, the factor n^(-1/2)); `"paper"` is the text of the paper, a
            plain 1x1 conv at each step.
        num_codewords: n, the size of the codebook; `"auto"` for four times `num_classes`, which
            is about enough (the paper).
        fusion_filters: Channels that each map is compressed to before the fusion.
        codeword_filters: c, the length of a codeword.
        guided: Whether the mean of the codeword base is added to the stride-8 map that the
            assembly weights come from; False, the paper's ablation, leaves it out, so that they
            are predicted without knowing anything of the codewords.
        dropout: Rate of the spatial dropout before the classifier (`"release"` only).
        align_corners: True samples as the first author's framework did; False as TensorFlow.
        upsample: False leaves the logits at the decoder's own stride (8). For an image of less
            than 32 pixels on a side they are those of the padded image.
        name: Name of the model.

    Raises:
        KerassegError: For an unknown backbone or variant, weights that cannot be had, or an
            argument out of its range; the message says what is accepted.

    Example:
        >>> import numpy as np
        >>> model = EfficientFCN("mobilenetv2", 5, backbone_weights=None, num_codewords=16,
        ...                      fusion_filters=16, codeword_filters=32)
        >>> model.predict(np.zeros((1, 33, 47, 3), "uint8"), verbose=0).shape
        (1, 33, 47, 5)
    """
    _check_arguments(variant, num_classes, num_codewords, fusion_filters, codeword_filters, dropout)
    decoder = partial(
        efficientfcn_decoder,
        variant=variant,
        num_codewords=num_codewords,
        fusion_filters=fusion_filters,
        codeword_filters=codeword_filters,
        guided=guided,
        dropout=dropout,
        align_corners=align_corners,
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
