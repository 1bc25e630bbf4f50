"""ResNets whose last two stages stay at stride 8: their strides have become dilation."""

from collections.abc import Sequence

import keras

from kerasseg.backbones import catalogue, feature_pyramid
from kerasseg.backbones.own_model import check_own_model, refuse_weights
from kerasseg.backbones.weights_file import Weights
from kerasseg.checks import check_image_shape
from kerasseg.errors import KerassegError, unknown_name

NAMES = ("resnet50", "resnet101", "resnet152")
STRIDES = (4, 8, 8, 8)
# The first of a stage's blocks strides on its 1x1 conv, before its 3x3 conv: that one sees the
# positions that the stride would have left, and is dilated as all others of the stage.
_DILATION = {"conv4": 2, "conv5": 4}


def create(
    backbone: str | keras.Model,
    input_shape: Sequence[int | None] = (None, None, 3),
    weights: Weights = "imagenet",
    name: str | None = None,
) -> keras.Model:
    """Returns a ResNet from pixels to four feature maps at strides 4, 8, 8 and 8.

    The strides of the stages `conv4` and `conv5` are 1, and their 3x3 convs, those of the first
    block too, are dilated by 2 and 4. Tensors and weights files are those of the plain network,
    and so are its features: at every second position the map of `conv4`, and at every fourth
    that of `conv5`, equals the plain network's.

    Args:
        backbone: `"resnet50"`, `"resnet101"` or `"resnet152"`; or a `keras.Model` of one's own
            that returns four feature maps at strides 4, 8, 8 and 8, which is used as it is.
        input_shape: `(height, width, channels)`; None for a size that varies.
        weights: As for `kerasseg.backbones.create`: those of the plain network.
        name: The name of the model; None for that of the backbone.

    Raises:
        KerassegError: If the name is none of the three, the weights are not to be had, or a
            model of one's own has not the four strides.

    Example:
        >>> pyramid = create("resnet50", weights=None)
        >>> [tuple(level.shape) for level in pyramid(keras.ops.zeros((1, 64, 96, 3)))]
        [(1, 16, 24, 256), (1, 8, 12, 512), (1, 8, 12, 1024), (1, 8, 12, 2048)]
    """
    if isinstance(backbone, keras.Model):
        refuse_weights(backbone, weights)
        channels = check_image_shape(input_shape)[2]
        check_own_model(backbone, channels, STRIDES, "the backbone of a DilatedFCN")
        return backbone
    if backbone not in catalogue.names():
        raise unknown_name("backbone of DilatedFCN", backbone, NAMES)
    if backbone not in NAMES:
        raise KerassegError(
            f"DilatedFCN has no backbone {backbone!r}; it takes {', '.join(NAMES)}, whose strides "
            "can become dilation,\nor a keras.Model with four maps at strides 4, 8, 8 and 8."
        )
    plain = feature_pyramid.create(backbone, input_shape, weights, name)
    dilated = keras.models.clone_model(plain, clone_function=_rewritten)
    dilated.set_weights(plain.get_weights())
    return dilated


def _rewritten(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Returns a new layer of the same arguments, or with dilation in the place of its stride."""
    config = layer.get_config()
    dilation = _DILATION.get(layer.name.partition("_")[0])
    if dilation and isinstance(layer, keras.layers.Conv2D):
        config["strides"] = (1, 1)
        if layer.kernel_size != (1, 1):
            config["dilation_rate"] = (dilation, dilation)
    return type(layer).from_config(config)
