"""A backbone's name becomes a model: pixels in, feature maps at strides 4, 8, 16 and 32 out."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from kerasseg.backbones import catalogue, keras_hub
from kerasseg.backbones.channels import normalization_of, on_channels
from kerasseg.backbones.own_model import (
    SMALLEST_SIDE,
    check_own_model,
    image_size,
    refuse_weights,
)
from kerasseg.backbones.rewiring import rewired
from kerasseg.backbones.weights_file import Weights, load_keras_file, resolve, saved_channels
from kerasseg.checks import ImageShape, check_image_shape
from kerasseg.errors import KerassegError
from kerasseg.layers.pixel_normalization import PixelNormalization

RGB_OF_ANY_SIZE = (None, None, 3)


def create(
    backbone: str | keras.Model,
    input_shape: Sequence[int | None] = RGB_OF_ANY_SIZE,
    weights: Weights = "imagenet",
    name: str | None = None,
    image_converter: Any = None,
) -> keras.Model:
    """Returns a backbone as one plain functional model from pixels to four feature maps.

    A named backbone holds its own normalization, computed in float32 under every precision
    policy. Of other than three channels, its pretrained first convolution is adapted: for one
    channel its kernels are summed over R, G and B, for more they are repeated R, G, B, R ... and
    multiplied by 3 / channels; the mean and deviation of the pixels are averaged over R, G and B
    for one channel, and repeated for more. The features depend on the weights and the image
    alone, not on `input_shape`.

    Args:
        backbone: One of `names()`; or a `keras.Model` of one's own that returns four feature
            maps at strides 4, 8, 16 and 32, used as it is, with its own preprocessing and
            weights; or a KerasHub backbone that has such maps among its `pyramid_outputs`.
        input_shape: `(height, width, channels)`; None for a height or width that varies. At
            least 32, and at least one channel.
        weights: `"imagenet"`, the path of a weights file, or None for random weights. A file
            holds the network without its classifier, for RGB, in the layout of Keras (`.h5`,
            `.weights.h5`; for `efficientnet_lite0` the `.pth` file too), or is what
            `save_weights` of such a backbone wrote.
        name: The name of the model; None for that of the backbone.
        image_converter: For a KerasHub backbone, the `keras_hub.layers.ImageConverter` of the
            same preset: KerasHub's backbones hold no normalization, and this one's scale and
            offset become the model's. Without it the network gets pixels 0..255.

    Returns:
        A model from pixels 0..255, `(N, H, W, channels)`, uint8 or float, to a list of four maps
        `(N, H / stride, W / stride, filters)` in the compute dtype. Sizes that are no multiple
        of the stride are rounded up or down, as the backbone has it.

    Raises:
        KerassegError: If the name is unknown or of a network that gives no such maps, the input
            shape is not of images of 32 pixels or more, the weights are not to be had, or a
            model of one's own lacks one of the strides or takes other images.

    Example:
        >>> pyramid = create("efficientnet_lite0", weights=None)
        >>> [tuple(level.shape) for level in pyramid(keras.ops.zeros((1, 64, 96, 3)))]
        [(1, 16, 24, 24), (1, 8, 12, 40), (1, 4, 6, 112), (1, 2, 3, 320)]
    """
    shape = _checked(input_shape)
    if isinstance(backbone, keras.Model):
        return _own(backbone, shape[2], weights, name, image_converter)
    row = catalogue.find(backbone)
    _refuse_converter(backbone, image_converter)
    pixels = keras.Input(shape, name="pixels", dtype="float32")
    normalization = normalization_of(row.normalization, shape[2])
    normalized = PixelNormalization(**normalization, name="normalization")(pixels)
    network = _network(row, normalized, resolve(weights), backbone)
    return keras.Model(pixels, _features(network, row), name=name or backbone)


def _network(
    row: catalogue.Backbone, normalized: Any, weights: Weights, backbone: str
) -> keras.Model:
    """Returns the network of a row on pixels of any size and number of channels, weights and all.

    Some networks pad by the size that they are built for, so each is built for any size and then
    put onto the pixels: the features do not depend on what is known of them.
    """
    shape = tuple(normalized.shape[1:])
    # What a backbone of this number of channels has saved fits once all is built.
    fits = saved_channels(weights) == shape[2]
    before, after = (None, weights) if fits else (weights, None)
    if shape == RGB_OF_ANY_SIZE:
        network = _rgb_network(row, normalized, before, backbone)
    else:
        network = _rgb_network(row, keras.Input(RGB_OF_ANY_SIZE), before, backbone)
        if shape[2] == 3:
            network = rewired(network, normalized)
        else:
            pretrained = before is not None
            network = on_channels(network, normalized, row.normalization, pretrained)
    if after is not None:
        _load(network, row, after, backbone)
    return network


def _rgb_network(
    row: catalogue.Backbone, pixels: Any, weights: Weights, backbone: str
) -> keras.Model:
    if weights is None or saved_channels(weights) is None:
        return row.build(pixels, weights)
    network = row.build(pixels, None)
    _load(network, row, weights, backbone)
    return network


def _load(
    network: keras.Model, row: catalogue.Backbone, file: str | os.PathLike[str], backbone: str
) -> None:
    """Loads what `save_weights` of a backbone wrote: the layers that its four maps need."""
    load_keras_file(keras.Model(network.inputs, _features(network, row)), Path(file), backbone)


def _features(network: keras.Model, row: catalogue.Backbone) -> list[Any]:
    return [network.get_layer(layer).output for layer in row.features]


def _own(
    model: keras.Model,
    channels: int,
    weights: Weights,
    name: str | None,
    image_converter: Any,
) -> keras.Model:
    refuse_weights(model, weights)
    if keras_hub.has_pyramid(model):
        model = keras_hub.pyramid(model, channels, image_converter)
    else:
        _refuse_converter(model.name, image_converter)
        check_own_model(model, channels)
    if name in (None, model.name):
        return model
    pixels = keras.Input((*image_size(model), channels), name="pixels")
    return keras.Model(pixels, list(model(pixels)), name=name)


def _refuse_converter(backbone: str, image_converter: Any) -> None:
    if image_converter is not None:
        raise KerassegError(
            f"image_converter is for KerasHub's backbones, and {backbone!r} is none: it holds its "
            "own preprocessing."
        )


def _checked(input_shape: Sequence[int | None]) -> ImageShape:
    shape = check_image_shape(input_shape)
    if any(size is not None and size < SMALLEST_SIDE for size in shape[:2]):
        raise KerassegError(
            f"input_shape {shape} is too small: a backbone needs {SMALLEST_SIDE} pixels on each "
            "side."
        )
    if keras.config.image_data_format() != "channels_last":
        raise KerassegError(
            "Keras is set to channels_first; kerasseg needs channels_last: "
            "keras.config.set_image_data_format('channels_last')."
        )
    return shape
