"""From a backbone and a decoder to a model: pixels in, logits at the size of the input out."""

import os
from collections.abc import Callable, Sequence
from typing import TypeAlias

import keras

from kerasseg import backbones
from kerasseg.errors import KerassegError
from kerasseg.layers import CropTo, PadToMinimum, ResizeTo

InputShape: TypeAlias = tuple[int | None, int | None, int]
Decoder: TypeAlias = Callable[[Sequence[keras.KerasTensor]], keras.KerasTensor]

SMALLEST_SIDE = 32


def segmentation_model(
    decoder: Decoder,
    *,
    backbone: str | keras.Model,
    input_shape: InputShape,
    backbone_weights: str | os.PathLike[str] | None,
    weights: str | os.PathLike[str] | None,
    activation: str | None,
    align_corners: bool,
    name: str,
) -> keras.Model:
    """Returns the functional model of a backbone and a decoder.

    Images below 32 pixels on a side are padded inside the graph and their logits cropped.

    Args:
        decoder: Takes the four feature maps at strides 4, 8, 16 and 32, `(N, h, w, C)` each,
            and returns logits `(N, h, w, num_classes)` at a stride of its own.
        backbone: Name of a backbone, or a model with four outputs at strides 4 to 32.
        input_shape: Height, width (None where it varies) and channels.
        backbone_weights: `"imagenet"`, a path, or None for random ones.
        weights: Path of weights of the whole model, loaded last.
        activation: Of the output, None for logits.
        align_corners: The sampling of the last resize; see `ResizeTo`.
        name: Name of the model.

    Raises:
        KerassegError: If an argument cannot be used; the message says what is accepted.
    """
    images = keras.Input(_checked_shape(input_shape), name="images")
    padded = images if _large_enough(input_shape) else PadToMinimum(SMALLEST_SIDE)(images)
    features = backbones.create(backbone, input_shape, _unless_replaced(backbone_weights, weights))(
        padded
    )
    logits = ResizeTo(align_corners, dtype="float32", name="upsample")(decoder(features), padded)
    outputs = CropTo(name="logits")(logits, images)
    if activation is not None:
        outputs = _activation(activation)(outputs)
    model = keras.Model(images, outputs, name=name)
    if weights is not None:
        _load_weights(model, weights)
    return model


def _unless_replaced(
    backbone_weights: str | os.PathLike[str] | None, weights: str | os.PathLike[str] | None
) -> str | os.PathLike[str] | None:
    """Spares loading (and downloading) backbone weights that `weights` would overwrite."""
    return None if weights is not None else backbone_weights


def _checked_shape(input_shape: InputShape) -> InputShape:
    shape = tuple(input_shape)
    sides_fit = len(shape) == 3 and all(side is None or side >= 1 for side in shape[:2])
    if not sides_fit or not isinstance(shape[2], int) or shape[2] < 1:
        raise KerassegError(
            f"input_shape is (height, width, channels), None for sides that vary; received "
            f"{input_shape!r}. (None, None, 3) takes RGB images of any size."
        )
    return shape


def _large_enough(input_shape: InputShape) -> bool:
    return all(side is not None and side >= SMALLEST_SIDE for side in input_shape[:2])


def _activation(activation: str) -> keras.layers.Layer:
    try:
        return keras.layers.Activation(activation, dtype="float32", name="probabilities")
    except ValueError:
        raise KerassegError(
            f"unknown activation {activation!r}: use None for logits, 'softmax', 'sigmoid', or "
            "another activation of Keras."
        ) from None


def _load_weights(model: keras.Model, weights: str | os.PathLike[str]) -> None:
    path = os.fspath(weights)
    if not os.path.isfile(path):
        raise KerassegError(
            f"weights: no such file: {path}. Give the path of a .weights.h5 or .keras file that "
            f"a {model.name} was saved to, or None."
        )
    model.load_weights(path)


def check_count(argument: str, value: int) -> None:
    """Raises a `KerassegError` unless `value` is a whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise KerassegError(f"{argument} is a whole number of at least 1; received {value!r}.")


def check_pyramid(features: Sequence[keras.KerasTensor]) -> None:
    """Raises a `KerassegError` unless there are four feature maps of rank 4."""
    if len(features) != 4 or any(len(feature.shape) != 4 for feature in features):
        shapes = [tuple(feature.shape) for feature in features]
        raise KerassegError(
            "a decoder takes four feature maps (N, h, w, C), at strides 4, 8, 16 and 32 in this "
            f"order; received {len(shapes)}: {shapes}."
        )
