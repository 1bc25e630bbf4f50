"""One backbone a scale: the image at several sizes, each through weights of its own."""

import os
from collections.abc import Sequence
from itertools import pairwise
from numbers import Real

import keras

from kerasseg import backbones
from kerasseg.backbones.own_model import image_size
from kerasseg.errors import KerassegError
from kerasseg.layers import ResizeBy


def check_scales(scales: Sequence[float]) -> None:
    """Raises a `KerassegError` unless these are positive numbers, the largest first."""
    fits = isinstance(scales, Sequence) and len(scales) > 0
    if not fits or not all(map(_is_scale, scales)) or not _falls(scales):
        raise KerassegError(
            "scales are factors from 0.1 to 10 of the image's size, the largest first and each "
            f"once, such as (1.2, 0.6); received {scales!r}."
        )


def _is_scale(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0.1 <= float(value) <= 10


def _falls(scales: Sequence[float]) -> bool:
    return all(one > other for one, other in pairwise(scales))


def create(
    backbone: str | keras.Model,
    input_shape: tuple[int | None, int | None, int],
    weights: str | os.PathLike[str] | None,
    scales: Sequence[float],
) -> keras.Model:
    """Returns a model of the backbone's name, from pixels to four feature maps a scale.

    At the one scale 1 it is the plain backbone. Else it holds, for each scale, a `ResizeBy` and a
    backbone of its own, `"resnet101_1.2x"` and `"resnet101_0.6x"`.

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
        >>> [layer.name for layer in pyramid.layers[-2:]]
        ['mobilenetv2_1.2x', 'mobilenetv2_0.6x']
        >>> len(pyramid.outputs)
        8
    """
    if tuple(scales) == (1,):
        return backbones.create(backbone, input_shape, weights)
    pixels = keras.Input(tuple(input_shape), name="pixels", dtype="float32")
    name = backbone.name if isinstance(backbone, keras.Model) else backbone
    features: list[keras.KerasTensor] = []
    for number, scale in enumerate(scales):
        label = f"{scale:g}x"
        if isinstance(backbone, keras.Model):
            network = _own(backbone, input_shape, weights, f"{name}_{label}", copy=number > 0)
        else:
            network = backbones.create(backbone, input_shape, weights, f"{name}_{label}")
        features += network(ResizeBy(scale, name=f"resize_{label}")(pixels))
    return keras.Model(pixels, features, name=name)


def _own(
    model: keras.Model,
    input_shape: tuple[int | None, int | None, int],
    weights: str | os.PathLike[str] | None,
    name: str,
    copy: bool,
) -> keras.Model:
    if image_size(model) != (None, None):
        raise KerassegError(
            f"the model {model.name!r} takes images of {image_size(model)} alone, and scales= give "
            "it images of other sizes. Build it with an input of (None, None, channels)."
        )
    if copy:
        model = _copy(model, name)
    return backbones.create(model, input_shape, weights)


def _copy(model: keras.Model, name: str) -> keras.Model:
    try:
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
        return keras.Model(copy.inputs[0], copy.outputs, name=name)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise KerassegError(
            f"the model {model.name!r} cannot be copied for a second scale: "
            f"{str(error).splitlines()[0]}\n"
            "Make it a functional model, of layers that have a config."
        ) from error
