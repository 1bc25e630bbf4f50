"""The error that bad input gets, and the help with names that were mistyped."""

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class KerassegError(ValueError):
    """Bad input: its message says what was received, what is accepted and what to do.

    The programs print the message alone, without a traceback, and end with exit status 2.
    """


class UnreadableError(KerassegError):
    """A file that cannot be decoded at all, which `on_error="skip"` passes over."""


def first_line(error: BaseException) -> str:
    r"""Returns the first line of an error's message, or its class where it has none.

    Example:
        >>> first_line(OSError("no such file\nand more"))
        'no such file'
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def first_complaint(error: "ValidationError") -> str:
    """Returns what pydantic found first, as `key: what is wrong`.

    Example:
        >>> from pydantic import BaseModel, ValidationError
        >>> class Leaf(BaseModel):
        ...     sides: int
        >>> try:
        ...     Leaf.model_validate({"sides": "many"})
        ... except ValidationError as error:
        ...     print(first_complaint(error)[:22])
        sides: Input should be
    """
    first = error.errors()[0]
    said = first["msg"].removeprefix("Value error, ")
    return f"{'.'.join(map(str, first['loc']))}: {said}" if first["loc"] else said


def unknown_name(kind: str, name: object, accepted: Iterable[str]) -> KerassegError:
    """Returns the error for a name that is not among `accepted`, with the nearest right one.

    Args:
        kind: What the name names, for the message: `"backbone"`, `"recipe key"`.
        name: What was received.
        accepted: The names that are accepted.

    Example:
        >>> str(unknown_name("backbone", "resnet11", ["resnet101", "resnet50"]))
        "unknown backbone 'resnet11': did you mean 'resnet101'? Accepted: resnet101, resnet50."
    """
    names = sorted(accepted)
    # 'sgd' and 'SGD' have no letter in common.
    folded = {each.casefold(): each for each in names}
    nearest = difflib.get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.5)
    hint = f": did you mean {folded[nearest[0]]!r}?" if nearest else "."
    return KerassegError(f"unknown {kind} {name!r}{hint} Accepted: {', '.join(names)}.")
