"""Checks that a model of the user's own can be a backbone."""

from typing import Any

import keras

from kerasseg.errors import KerassegError

STRIDES = (4, 8, 16, 32)
CONTRACT = (
    "A backbone takes RGB images (N, H, W, 3) and returns a list of four feature maps "
    "(N, H, W, channels) at strides 4, 8, 16 and 32, in this order."
)


def check_own_model(model: keras.Model) -> None:
    """Runs a model once, on a black image of its own size or of 256x256, and looks at its outputs.

    Raises:
        KerassegError: If it does not take one image and return four maps of rank 4 at the
            strides 4, 8, 16 and 32, in this order.
    """
    height, width = image_size(model)
    size = (height or 256, width or 256)
    outputs = model(keras.ops.zeros((1, *size, 3)), training=False)
    if not isinstance(outputs, (list, tuple)):
        raise _unfit(model, f"returns one {type(outputs).__name__}, not a list")
    shapes = [tuple(output.shape) for output in outputs]
    if any(len(shape) != 4 for shape in shapes):
        raise _unfit(model, f"returns outputs of the shapes {_listed(shapes)}")
    strides = [_stride(size, shape[1:3]) for shape in shapes]
    missing = [stride for stride in STRIDES if stride not in strides]
    if missing:
        raise _unfit(
            model,
            f"returns {len(shapes)} maps of the shapes {_listed(shapes)} for an image of "
            f"{size[0]}x{size[1]}: none is at stride {_listed(missing)}",
        )
    if tuple(strides) != STRIDES:
        raise _unfit(model, f"returns {len(shapes)} maps, at strides {_listed(strides)}")


def image_size(model: keras.Model) -> tuple[int | None, int | None]:
    """Returns the height and width that a model is made for, None where it takes any.

    Raises:
        KerassegError: If it takes anything but one batch of RGB images.
    """
    shapes = [tuple(tensor.shape) for tensor in getattr(model, "inputs", None) or []]
    if not shapes:  # a subclassed model does not say what it takes
        return None, None
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][-1] != 3:
        raise _unfit(model, f"takes inputs of the shapes {_listed(shapes)}")
    return shapes[0][1], shapes[0][2]


def _stride(size: tuple[int, int], level: tuple[int, ...]) -> Any:
    """Returns the stride at which a map of this size lies, rounded up or down; else its size."""
    for stride in STRIDES:
        places = zip(size, level, strict=True)
        if all(full // stride <= part <= -(-full // stride) for full, part in places):
            return stride
    return "x".join(f"{full}/{part}" for full, part in zip(size, level, strict=True))


def _unfit(model: keras.Model, problem: str) -> KerassegError:
    return KerassegError(
        f"the model {model.name!r} cannot be a backbone: it {problem}.\n{CONTRACT}"
    )


def _listed(values: Any) -> str:
    return ", ".join(str(value) for value in values)
