"""A backbone's name becomes a model: pixels in, feature maps at strides 4, 8, 16 and 32 out."""

from collections.abc import Sequence

import keras

from kerasseg.backbones import catalogue
from kerasseg.backbones.own_model import check_own_model, image_size
from kerasseg.backbones.weights_file import Weights, resolve
from kerasseg.errors import KerassegError
from kerasseg.layers.pixel_normalization import PixelNormalization


def create(
    backbone: str | keras.Model,
    input_shape: Sequence[int | None] = (None, None, 3),
    weights: Weights = "imagenet",
    name: str | None = None,
) -> keras.Model:
    """Returns a backbone as one plain functional model from pixels to four feature maps.

    Args:
        backbone: One of `names()`, or a `keras.Model` of one's own that returns four feature
            maps at strides 4, 8, 16 and 32. The latter is used as it is, with its own
            preprocessing and its own weights.
        input_shape: `(height, width, 3)`; None for a size that varies. At least 32.
        weights: `"imagenet"`, the path of a weights file (for Keras Applications a `.h5` or
            `.weights.h5` file in their layout without the classifier; for
            `efficientnet_lite0` the `.pth` file too), or None for random weights.
        name: The name of the model; None for that of the backbone.

    Returns:
        A model from RGB pixels 0..255, `(N, H, W, 3)`, uint8 or float, to a list of four maps
        `(N, H / stride, W / stride, channels)` in the compute dtype. Sizes that are no multiple
        of the stride are rounded up or down, as the backbone has it.

    Raises:
        KerassegError: If the name is unknown, the input shape is not of RGB images of 32 pixels
            or more, the weights are not to be had, or a model of one's own has not the four
            strides.

    Example:
        >>> pyramid = create("efficientnet_lite0", weights=None)
        >>> [tuple(level.shape) for level in pyramid(keras.ops.zeros((1, 64, 96, 3)))]
        [(1, 16, 24, 24), (1, 8, 12, 40), (1, 4, 6, 112), (1, 2, 3, 320)]
    """
    if isinstance(backbone, keras.Model):
        return _own(backbone, weights, name)
    row = catalogue.find(backbone)
    _check_input(input_shape)
    pixels = keras.Input(tuple(input_shape), name="pixels", dtype="float32")
    normalized = PixelNormalization(**row.normalization, name="normalization")(pixels)
    network = row.build(normalized, resolve(weights))
    features = [network.get_layer(layer).output for layer in row.features]
    return keras.Model(pixels, features, name=name or backbone)


def _own(model: keras.Model, weights: Weights, name: str | None) -> keras.Model:
    if weights not in (None, "imagenet"):
        raise KerassegError(
            f"backbone_weights={str(weights)!r} is for backbones given by name; load it into the "
            f"model {model.name!r} itself, with load_weights."
        )
    check_own_model(model)
    if name in (None, model.name):
        return model
    pixels = keras.Input((*image_size(model), 3), name="pixels")
    return keras.Model(pixels, list(model(pixels)), name=name)


def _check_input(input_shape: Sequence[int | None]) -> None:
    shape = tuple(input_shape)
    if len(shape) != 3 or shape[-1] != 3:
        raise KerassegError(
            f"input_shape {shape} is not (height, width, 3): backbones take RGB pixels."
        )
    if any(size is not None and size < 32 for size in shape[:2]):
        raise KerassegError(
            f"input_shape {shape} is too small: a backbone needs 32 pixels on each side."
        )
    if keras.config.image_data_format() != "channels_last":
        raise KerassegError(
            "Keras is set to channels_first; kerasseg needs channels_last: "
            "keras.config.set_image_data_format('channels_last')."
        )
