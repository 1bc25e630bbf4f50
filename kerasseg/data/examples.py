"""An image and its label map as they are stored, wherever they come from."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from kerasseg.data.label_encoding import CLASS_IDS, LabelEncoding
from kerasseg.data.pair import Pair, Problem, refuse_problems


@dataclass(frozen=True)
class Example:
    """An encoded image and the encoded label map that belongs to it.

    Args:
        name: File name of the image.
        image: JPEG, PNG, BMP or WebP.
        label: A PNG.
        encoding: How the label map stores the classes.
        image_place: What messages call the image: a path, say.
        label_place: What messages call the label map.
    """

    name: str
    image: bytes
    label: bytes
    encoding: LabelEncoding = CLASS_IDS
    image_place: str = ""
    label_place: str = ""


def load_example(pair: Pair) -> Example:
    """Returns the contents of two files.

    Raises:
        KerassegError: If one of them could not be converted.
        OSError: If a file cannot be read.
    """
    refuse_problems([pair])
    image, label = pair.image.read_bytes(), pair.label.read_bytes()
    return Example(pair.image.name, image, label, pair.encoding, str(pair.image), str(pair.label))


def read_example(pair: Pair) -> Example | Problem:
    """Returns the contents of two files, or why they cannot be read."""
    if pair.problem:
        return pair.problem
    try:
        return load_example(pair)
    except OSError as error:
        message = f"{error.filename} cannot be read: {error.strerror}. Restore it."
        return Problem(message, unreadable=True)


def digest(example: Example | Problem) -> tuple[str, str]:
    """Returns the name of an example, and its names and hashes as `fingerprint_of` takes them."""
    if isinstance(example, Problem):
        return "", example.message
    files = ((example.name, example.image), (PurePath(example.label_place).name, example.label))
    lines = (f"{name} {hashlib.sha256(file).hexdigest()}\n" for name, file in files)
    return PurePath(example.name).stem, "".join(lines)


def fingerprint_of(digests: Iterable[tuple[str, str]]) -> str:
    """Returns of the digests of examples what `kerasseg.data.fingerprint` does of their files."""
    ordered = sorted(digests, key=lambda each: each[0])
    return hashlib.sha256("".join(lines for _, lines in ordered).encode()).hexdigest()
