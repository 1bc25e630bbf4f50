"""What arguments of layers, backbones and builders have to be, and the errors if they are not."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import TypeAlias, TypeGuard

from kerasseg.errors import KerassegError

ImageShape: TypeAlias = tuple[int | None, int | None, int]


def check_counts(**arguments: int) -> None:
    """Raises a `KerassegError` unless every argument is a whole number of at least 1."""
    for argument, value in arguments.items():
        if not is_count(value):
            raise KerassegError(f"{argument} is a whole number of at least 1; received {value!r}.")


def check_rate(argument: str, value: float) -> None:
    """Raises a `KerassegError` unless `value` is at least 0 and below 1."""
    if not is_number(value) or not 0 <= value < 1:
        raise KerassegError(f"{argument} is a rate, at least 0 and below 1; received {value!r}.")


def check_image_shape(input_shape: Sequence[int | None]) -> ImageShape:
    """Returns height, width and channels, the sides None where they vary, as plain numbers.

    Raises:
        KerassegError: If it is anything else, or a number is below 1.
    """
    fits = isinstance(input_shape, Sequence) and len(input_shape) == 3
    if not fits or not (
        all(side is None or is_count(side) for side in input_shape[:2]) and is_count(input_shape[2])
    ):
        raise KerassegError(
            f"input_shape is (height, width, channels), None for sides that vary; received "
            f"{input_shape!r}. (None, None, 3) takes RGB images of any size."
        )
    height, width, channels = (side if side is None else int(side) for side in input_shape)
    assert channels is not None
    return height, width, channels


def is_count(value: object) -> bool:
    """Returns whether a value is a whole number of at least 1; `True` is none."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def is_number(value: object) -> TypeGuard[float]:
    """Returns whether a value is a real number, infinite or not; `True` is none."""
    return isinstance(value, Real) and not isinstance(value, bool)
