"""Checks that a model of the user's own can be a backbone."""

from collections.abc import Sequence
from typing import Any

import keras

from kerasseg.backbones.weights_file import Weights
from kerasseg.checks import ImageShape
from kerasseg.errors import KerassegError

STRIDES = (4, 8, 16, 32)
SMALLEST_SIDE = 32


def check_own_model(
    model: keras.Model,
    channels: int = 3,
    strides: Sequence[int] = STRIDES,
    part: str = "a backbone",
) -> None:
    """Runs a model once, on a black image, and looks at its outputs.

    Args:
        model: The model.
        channels: Of the images that it is to take.
        strides: Of the maps that it is to return.
        part: What it is to be, for the message.

    Raises:
        KerassegError: If it does not take one image of so many channels and return maps of rank
            4 at these strides, in this order.
    """
    check_channels(model, channels)
    size, outputs = run_once(model, channels)
    problem = _problem(size, outputs, strides)
    if problem:
        raise KerassegError(
            f"the model {model.name!r} cannot be {part}: it {problem}.\n{_contract(part, strides)}"
        )


def _problem(size: tuple[int, int], outputs: Any, strides: Sequence[int]) -> str | None:
    if not isinstance(outputs, (list, tuple)):
        return f"returns one {type(outputs).__name__}, not a list"
    shapes = [tuple(getattr(output, "shape", ())) for output in outputs]
    if any(len(shape) != 4 for shape in shapes):
        return f"returns outputs of the shapes {_listed(shapes)}"
    found = [stride_of(size, shape[1:3]) for shape in shapes]
    missing = [stride for stride in strides if stride not in found]
    if missing:
        return (
            f"returns {len(shapes)} maps of the shapes {_listed(shapes)} for an image of "
            f"{size[0]}x{size[1]}: none is at stride {_listed(missing)}"
        )
    if found != list(strides):
        return f"returns {len(shapes)} maps, at strides {_listed(found)}"
    return None


def _contract(part: str = "a backbone", strides: Sequence[int] = STRIDES) -> str:
    *first, last = strides
    return (
        f"{part[0].upper()}{part[1:]} takes images "
        "(N, H, W, channels) and returns a list of four feature maps (N, H, W, channels) at "
        f"strides {_listed(first)} and {last}, in this order."
    )


def check_channels(model: keras.Model, channels: int) -> None:
    """Raises a `KerassegError` if a model says that it takes another number of channels."""
    taken = _image_shape(model)[2]
    if taken not in (None, channels):
        raise KerassegError(
            f"the model {model.name!r} takes images of {taken} channels, and input_shape names "
            f"{channels}: give input_shape=(None, None, {taken}), or another model."
        )


def check_size(model: keras.Model, input_shape: ImageShape) -> None:
    """Raises a `KerassegError` if a model of one image size is to take images of another."""
    own = image_size(model)
    if any(side is not None and side < SMALLEST_SIDE for side in own):
        raise KerassegError(
            f"the model {model.name!r} takes images of {own} alone, and a backbone needs "
            f"{SMALLEST_SIDE} pixels on each side. Build it with an input of (None, None, "
            "channels)."
        )
    pairs = zip(own, input_shape[:2], strict=True)
    if any(side not in (None, given) for side, given in pairs):
        sides = tuple(side or given for side, given in zip(own, input_shape[:2], strict=True))
        raise KerassegError(
            f"the model {model.name!r} takes images of {own} alone, and input_shape="
            f"{input_shape} says others: give input_shape={(*sides, input_shape[2])}, or a model "
            "with an input of (None, None, channels)."
        )


def refuse_weights(model: keras.Model, weights: Weights) -> None:
    """Raises a `KerassegError` if a weights file is given beside a model, which has its own."""
    if weights not in (None, "imagenet"):
        raise KerassegError(
            f"backbone_weights={str(weights)!r} is for backbones given by name; load it into the "
            f"model {model.name!r} itself, with load_weights."
        )


def image_size(model: keras.Model) -> tuple[int | None, int | None]:
    """Returns the height and width that a model is made for, None where it takes any.

    Raises:
        KerassegError: If it takes anything but one batch of images.
    """
    return _image_shape(model)[:2]


def run_once(model: keras.Model, channels: int) -> tuple[tuple[int, int], Any]:
    """Runs a model on a black image of its own size, 256 where it takes any.

    Returns:
        The image's height and width, and what the model returned.
    """
    height, width = image_size(model)
    size = (height or 256, width or 256)
    return size, model(keras.ops.zeros((1, *size, channels)), training=False)


def stride_of(size: tuple[int, int], level: Sequence[int]) -> int | str:
    """Returns the stride at which a map of this size lies, rounded up or down; else its size."""
    for stride in STRIDES:
        places = zip(size, level, strict=True)
        if all(full // stride <= part <= -(-full // stride) for full, part in places):
            return stride
    return "x".join(f"{full}/{part}" for full, part in zip(size, level, strict=True))


def _image_shape(model: keras.Model) -> tuple[int | None, int | None, int | None]:
    shapes = [tuple(tensor.shape) for tensor in getattr(model, "inputs", None) or []]
    if not shapes:  # a subclassed model does not say what it takes
        return None, None, None
    if len(shapes) != 1 or len(shapes[0]) != 4:
        raise _unfit(model, f"takes inputs of the shapes {_listed(shapes)}")
    _, height, width, channels = shapes[0]
    return height, width, channels


def _unfit(model: keras.Model, problem: str) -> KerassegError:
    return KerassegError(
        f"the model {model.name!r} cannot be a backbone: it {problem}.\n{_contract()}"
    )


def _listed(values: Any) -> str:
    return ", ".join(str(value) for value in values)
