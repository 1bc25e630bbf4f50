"""What is wrong with single files: readers stop at the first of these, or note them and go on.

Training needs a data set that is whole, and stops. The doctor tells of everything that is wrong:
within `noting` the same readers leave out what cannot be used.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from kerasseg.data.pair import Pair
from kerasseg.errors import KerassegError


@dataclass(frozen=True)
class Fault:
    """Something found at one file or folder.

    Args:
        kind: A key of `kerasseg.data.doctor.KINDS`.
        path: The file or folder.
        detail: What is special there; may be empty.
    """

    kind: str
    path: Path
    detail: str = ""


@dataclass
class Notes:
    """What readers noted.

    Attributes:
        faults: What is wrong, in the order in which it was found.
        sources: What each converted file was made of: a file, or `part_of` one.
    """

    faults: list[Fault] = field(default_factory=list)
    sources: dict[Path, Path] = field(default_factory=dict)

    def usable(self, pairs: Iterable[Pair]) -> list[Pair]:
        """Returns the pairs of which no file is missing or could not be converted."""
        return [
            pair
            for pair in pairs
            if not pair.problem and pair.image.is_file() and pair.label.is_file()
        ]


def part_of(path: Path, part: str) -> Path:
    """Returns what people call one of several pictures in a file: `labels.mat [0003]`."""
    return Path(f"{path} [{part}]")


_NOTES: ContextVar[Notes | None] = ContextVar("notes", default=None)


@contextmanager
def noting() -> Iterator[Notes]:
    """Has the readers that are called in this block note faults in place of raising them."""
    notes = Notes()
    token = _NOTES.set(notes)
    try:
        yield notes
    finally:
        _NOTES.reset(token)


def current_notes() -> Notes | None:
    """Returns where faults are to be noted, None where they are to be raised.

    A thread that a reader starts has to be told.
    """
    return _NOTES.get()


def refuse(message: str, faults: Sequence[Fault]) -> None:
    """Raises an error for what is wrong with files, or notes it within `noting`.

    Args:
        message: Of the error.
        faults: One for each file; there is nothing to refuse without any.

    Raises:
        KerassegError: Outside of `noting`.
    """
    notes = current_notes()
    if faults and notes is None:
        raise KerassegError(message)
    if notes is not None:
        notes.faults += faults
