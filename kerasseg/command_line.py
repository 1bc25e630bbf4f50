"""What every program of `training` and `export` does around its own work."""

import argparse
import functools
import sys
from collections.abc import Callable, Sequence

from kerasseg.errors import KerassegError


def class_names_of(text: str) -> tuple[str, ...]:
    """Returns the names that `--class-names` gives, in their order.

    Raises:
        KerassegError: If one of them is empty: those behind it would have other numbers.

    Example:
        >>> class_names_of("background, red leaf")
        ('background', 'red leaf')
    """
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise KerassegError(
            f"--class-names {text!r} has an empty name: give them with commas between, as in "
            "background,leaf."
        )
    return names


def counted(number: int, one: str, many: str = "") -> str:
    """Returns a number with its word.

    Args:
        number: How many there are.
        one: The word where it is 1.
        many: The word otherwise; empty for the same with an s.

    Example:
        >>> counted(1, "image"), counted(3, "image"), counted(2, "was", "were")
        ('1 image', '3 images', '2 were')
    """
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def refuse_without_effect(options: argparse.Namespace, source: str, *names: str) -> None:
    """Raises a `KerassegError` for the first of some options that is given.

    Args:
        options: Where an option that is not given is None, False or an empty list.
        source: What SOURCE is, for which they have no effect.
        names: The options, as attributes.
    """
    for name in names:
        value = getattr(options, name)
        if value is not None and value is not False and value != []:
            raise KerassegError(
                f"--{name.replace('_', '-')} has no effect where SOURCE is {source}: leave it out."
            )


def program(
    main: Callable[[Sequence[str] | None], int | None],
) -> Callable[[Sequence[str] | None], int]:
    """Wraps a program so that bad input ends in one or two lines and exit status 2.

    Args:
        main: Takes the arguments of the command line (None: those of the process), and returns 1
            if its answer is that something is wrong, or could not be done; 0 or None otherwise.

    Returns:
        The same program; it returns its exit status: that of `main`, 2 after a `KerassegError`, or
        130 when it was interrupted from the keyboard.
    """

    @functools.wraps(main)
    def run(arguments: Sequence[str] | None = None) -> int:
        try:
            return main(arguments) or 0
        except KerassegError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130

    return run
