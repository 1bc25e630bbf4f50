"""An image file and its label map, or why they cannot be used."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kerasseg.data.label_encoding import CLASS_IDS, LabelEncoding
from kerasseg.errors import KerassegError


@dataclass(frozen=True)
class Problem:
    """Why an example cannot be used.

    Args:
        message: Names the file and what to do.
        unreadable: Whether a file cannot be decoded at all; otherwise it holds what is not meant.
        values: All that the label map holds, where some of it is neither a class nor void.
    """

    message: str
    unreadable: bool = False
    values: tuple[int, ...] = ()


@dataclass(frozen=True)
class Pair:
    """An image file and the label map that belongs to it.

    Args:
        image: JPEG, PNG, BMP or WebP.
        label: A PNG of one channel (grey of 1 to 16 bits, or a palette), or of RGB colours.
        encoding: How the label map stores the classes.
        problem: Why one of the two could not be converted to what TensorFlow decodes; the check
            of the pairs raises it, or skips the pair.

    Example:
        >>> Pair(Path("train/images/street.jpg"), Path("train/labels/street.png")).name
        'street'
    """

    image: Path
    label: Path
    encoding: LabelEncoding = CLASS_IDS
    problem: Problem | None = None

    @property
    def name(self) -> str:
        """What the two files have in common: the name without suffix."""
        return self.image.stem


def refuse_problems(pairs: Iterable[Pair]) -> None:
    """Raises a `KerassegError` for the first pair that could not be converted."""
    for pair in pairs:
        if pair.problem:
            raise KerassegError(pair.problem.message)
