"""From a backbone and a decoder to a model: pixels in, logits at the size of the input out."""

import os
from collections.abc import Callable, Sequence
from typing import TypeAlias

import keras

from kerasseg import backbones
from kerasseg.backbones.own_model import SMALLEST_SIDE, check_size
from kerasseg.checks import ImageShape, check_image_shape
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.layers import CropTo, PadToMinimum, ResizeTo
from kerasseg.models.weights_file import check_weights_file, load_weights

InputShape: TypeAlias = ImageShape
Decoder: TypeAlias = Callable[[Sequence[keras.KerasTensor], int], keras.KerasTensor]
FeatureMaps: TypeAlias = Callable[[keras.KerasTensor], Sequence[keras.KerasTensor]]


def segmentation_model(
    decoder: Decoder,
    num_classes: int,
    *,
    backbone: str | keras.Model,
    input_shape: InputShape,
    backbone_weights: str | os.PathLike[str] | None,
    weights: str | os.PathLike[str] | None,
    activation: str | None,
    align_corners: bool,
    name: str,
    upsample: bool = True,
    create_backbone: Callable[..., FeatureMaps] | None = None,
) -> keras.Model:
    """Returns the functional model of a backbone and a decoder.

    Images below 32 pixels on a side are padded inside the graph and their logits cropped.

    Args:
        decoder: Takes the four feature maps at strides 4, 8, 16 and 32, `(N, h, w, C)` each, and
            `num_classes`, and returns logits `(N, h, w, num_classes)` at a stride of its own.
        num_classes: Channels of the logits.
        backbone: Name of a backbone, or a model with four outputs at strides 4 to 32.
        input_shape: Height, width (None where it varies) and channels.
        backbone_weights: `"imagenet"`, a path, or None for random ones.
        weights: Path of weights of the whole model, loaded last.
        activation: Of the output, None for logits.
        align_corners: The sampling of the last resize; see `ResizeTo`.
        name: Name of the model.
        upsample: Whether the logits are resized to the size of the input; else they stay at the
            decoder's own stride, of the padded image where it was padded.
        create_backbone: Takes `backbone`, an input shape and weights, and returns a model, or a
            function that calls several, from an image to the feature maps that the decoder takes;
            None for `backbones.create`.

    Raises:
        KerassegError: If an argument cannot be used; the message says what is accepted.
    """
    input_shape = check_image_shape(input_shape)
    if isinstance(backbone, keras.Model):
        check_size(backbone, input_shape)
    if weights is not None:
        check_weights_file(weights, name)
    head = None if activation is None else _activation(activation, num_classes)
    images = keras.Input(input_shape, dtype="float32", name="images")
    padded = images if _large_enough(input_shape) else PadToMinimum(SMALLEST_SIDE)(images)
    # Some backbones pad by the size that they are built for: built for any size, the same weights
    # give the same features whatever `input_shape` is.
    any_size = (None, None, input_shape[2])
    create: Callable[..., FeatureMaps] = create_backbone or backbones.create
    pyramid = create(backbone, any_size, _unless_replaced(backbone_weights, weights))
    logits = decoder(pyramid(padded), num_classes)
    if upsample:
        logits = ResizeTo(align_corners, dtype="float32", name="upsample")(logits, padded)
        logits = CropTo(name="logits")(logits, images)
    model = keras.Model(images, logits if head is None else head(logits), name=name)
    if weights is not None:
        load_weights(model, weights)
    return model


def _unless_replaced(
    backbone_weights: str | os.PathLike[str] | None, weights: str | os.PathLike[str] | None
) -> str | os.PathLike[str] | None:
    """Spares loading (and downloading) backbone weights that `weights` would overwrite."""
    return None if weights is not None else backbone_weights


def _large_enough(input_shape: InputShape) -> bool:
    return all(side is not None and side >= SMALLEST_SIDE for side in input_shape[:2])


def _activation(activation: str, num_classes: int) -> keras.layers.Activation:
    try:
        head = keras.layers.Activation(activation, dtype="float32", name="probabilities")
    except ValueError:
        helpers = {"get", "serialize", "deserialize"}
        known = {name for name, value in vars(keras.activations).items() if callable(value)}
        raise unknown_name("activation", activation, known - helpers) from None
    if head.activation is keras.activations.softmax and num_classes == 1:
        raise KerassegError(
            "the softmax of one class is 1.0 everywhere, whatever the logits are; received "
            "activation='softmax' and num_classes=1.\nGive activation='sigmoid' for a binary mask, "
            "or num_classes=2."
        )
    return head


def check_pyramid(features: Sequence[keras.KerasTensor], several_scales: bool = False) -> None:
    """Raises a `KerassegError` unless there are four feature maps of rank 4, or four a scale."""
    count = len(features)
    fits = count == 4 or (several_scales and count > 0 and count % 4 == 0)
    if not fits or any(len(feature.shape) != 4 for feature in features):
        shapes = [tuple(feature.shape) for feature in features]
        more = ", or four a scale" if several_scales else ""
        raise KerassegError(
            "a decoder takes four feature maps (N, h, w, C), at strides 4, 8, 16 and 32 in this "
            f"order{more}; received {count}: {shapes}."
        )
