"""One backbone a scale: the image at several sizes, each through weights of its own."""

import os
from collections.abc import Sequence
from itertools import pairwise

import keras

from kerasseg import backbones
from kerasseg.backbones.own_model import image_size
from kerasseg.checks import is_number
from kerasseg.errors import KerassegError, first_line
from kerasseg.layers import ResizeBy
from kerasseg.layers.resize_by import ratio_of
from kerasseg.models.segmentation_model import FeatureMaps


def check_scales(scales: Sequence[float]) -> None:
    """Raises a `KerassegError` unless these are positive numbers, the largest first."""
    fits = isinstance(scales, Sequence) and len(scales) > 0
    if not fits or not all(map(_is_scale, scales)) or not _falls(scales):
        raise KerassegError(
            "scales are factors from 0.1 to 10 of the image's size, to three digits, the largest "
            f"first and each once, such as (1.2, 0.6); received {scales!r}."
        )


def _is_scale(value: object) -> bool:
    return is_number(value) and 0.1 <= float(value) <= 10


def _falls(scales: Sequence[float]) -> bool:
    # Compared as `ResizeBy` rounds them and as the layers' names write them: scales that differ
    # less would be one size, or share a name.
    return all(
        ratio_of(one) > ratio_of(other) and _digits(one) != _digits(other)
        for one, other in pairwise(scales)
    )


def _digits(scale: float) -> str:
    return f"{float(scale):g}"


def create(
    backbone: str | keras.Model,
    input_shape: tuple[int | None, int | None, int],
    weights: str | os.PathLike[str] | None,
    scales: Sequence[float],
) -> FeatureMaps:
    """Returns what makes four feature maps a scale of an image, the largest scale first.

    At the one scale 1 that is the plain backbone. Else each scale has a `ResizeBy` and a backbone
    of its own, `"resnet101_1.2x"` and `"resnet101_0.6x"`.

    Args:
        backbone: Name of a backbone, or a model with four outputs at strides 4 to 32. Such a
            model serves the largest scale itself, the others get copies that start from its
            weights.
        input_shape: Height, width (None where they vary) and channels.
        weights: `"imagenet"`, a path, or None for random ones; the same for every scale.
        scales: Factors of the image's size, the largest first.

    Raises:
        KerassegError: If the backbone or the weights cannot be had, or a model of one's own takes
            images of one size only or cannot be copied.

    Example:
        >>> pyramid = create("mobilenetv2", (None, None, 3), None, (1.2, 0.6))
        >>> [maps.shape[1:3] for maps in pyramid(keras.Input((160, 160, 3)))][::4]
        [(48, 48), (24, 24)]
    """
    if tuple(scales) == (1,):
        return backbones.create(backbone, input_shape, weights)
    if isinstance(backbone, keras.Model):
        networks = _copies(backbone, input_shape, weights, scales)
    else:
        names = [f"{backbone}_{_digits(scale)}x" for scale in scales]
        networks = [backbones.create(backbone, input_shape, weights, name) for name in names]

    def feature_maps(images: keras.KerasTensor) -> list[keras.KerasTensor]:
        features: list[keras.KerasTensor] = []
        for scale, network in zip(scales, networks, strict=True):
            features += network(ResizeBy(scale, name=f"resize_{_digits(scale)}x")(images))
        return features

    return feature_maps


def _copies(
    model: keras.Model,
    input_shape: tuple[int | None, int | None, int],
    weights: str | os.PathLike[str] | None,
    scales: Sequence[float],
) -> list[keras.Model]:
    if image_size(model) != (None, None):
        raise KerassegError(
            f"the model {model.name!r} takes images of {image_size(model)} alone, and scales= give "
            "it images of other sizes. Build it with an input of (None, None, channels)."
        )
    first = backbones.create(model, input_shape, weights)
    return [first, *(_copy(first, f"{first.name}_{_digits(scale)}x") for scale in scales[1:])]


def _copy(model: keras.Model, name: str) -> keras.Model:
    try:
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
        return keras.Model(copy.inputs[0], copy.outputs, name=name)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise KerassegError(
            f"the model {model.name!r} cannot be copied for a second scale: "
            f"{first_line(error)}\n"
            "Make it a functional model, of layers that have a config."
        ) from error
