"""What every program of `training` and `export` does around its own work."""

import functools
import os
import sys
from collections.abc import Callable, Sequence

from kerasseg.errors import KerassegError


def program(main: Callable[[Sequence[str] | None], None]) -> Callable[[Sequence[str] | None], int]:
    """Wraps a program so that bad input ends in one or two lines and exit status 2.

    Args:
        main: Takes the arguments of the command line (None: those of the process).

    Returns:
        The same program; it returns its exit status: 0, 2 after a `KerassegError`, or 130 when
        it was interrupted from the keyboard.
    """

    @functools.wraps(main)
    def run(arguments: Sequence[str] | None = None) -> int:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        try:
            main(arguments)
        except KerassegError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130
        return 0

    return run
