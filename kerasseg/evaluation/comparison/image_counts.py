"""What an evaluation leaves of each image, for comparisons with other runs."""

import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerasseg.data.streams import ExampleStream, Split, fingerprint_of_split, names_of_split
from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.engine import Evaluation
from kerasseg.files import atomic_file
from kerasseg.label_set import LabelSet

if TYPE_CHECKING:
    from kerasseg.run import Run

SCHEMA_VERSION = 1
FOLDER = "evaluation"
VALIDATION = "validation"
_MOST_OF_NAME = 200  # bytes; a file system takes 255, with suffix
_ARRAYS = ("numbers", "names", "overlap", "union", "class_names", "fingerprint")


@dataclass(frozen=True)
class ImageCounts:
    """Overlap and union of truth and prediction in each image of a split.

    Attributes:
        numbers: The place of each image in the split, ascending, int64 `(N,)`.
        names: File name of each image; empty for a split that does not tell them (records,
            TensorFlow Datasets).
        overlap: Pixels that are of a class and predicted so, int64 `(N, C)`.
        union: Pixels that are of a class or predicted so, int64 `(N, C)`.
        class_names: C names.
        fingerprint: Changes with anything that is in the split.
        protocol: What the protocol is called; empty where it is not known.
        weights: `"last"` or `"best"`; empty where that is not known.

    Example:
        >>> overlap, union = np.array([[3, 4]]), np.array([[4, 5]])
        >>> counts = ImageCounts(np.array([0]), (), overlap, union, ("soil", "leaf"), "12ab")
        >>> counts.valid_pixels.tolist()
        [8]
    """

    numbers: np.ndarray
    names: tuple[str, ...]
    overlap: np.ndarray
    union: np.ndarray
    class_names: tuple[str, ...]
    fingerprint: str
    protocol: str = ""
    weights: str = ""

    @property
    def way(self) -> str:
        """How the images were evaluated, in words."""
        if not self.protocol:
            return "protocol not noted"
        return f"{self.protocol}, {self.weights or 'unknown'} weights"

    @property
    def valid_pixels(self) -> np.ndarray:
        """Pixels of each image that are not void, int64 `(N,)`: each is in one union or in two."""
        return (self.overlap.sum(axis=1) + self.union.sum(axis=1)) // 2


def image_counts(
    evaluation: Evaluation,
    split: Split,
    labels: LabelSet,
    *,
    protocol: str = "",
    weights: str = "",
) -> ImageCounts:
    """Returns what is kept of an evaluation.

    Args:
        evaluation: As `evaluate_images` returns it.
        split: What was evaluated.
        labels: Its classes.
        protocol: What the protocol is called, as by `name_of`.
        weights: `"last"` or `"best"`.

    Raises:
        OSError: If a file of the split cannot be read.

    Example:
        >>> from kerasseg.data import find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=2), "val")
        >>> counts = np.full((2, 8), 3)
        >>> evaluation = Evaluation(np.eye(8), np.array([1, 0]), counts, counts)
        >>> image_counts(evaluation, pairs, shapes.LABELS).names
        ('00000.jpg', '00001.jpg')
    """
    order = np.argsort(evaluation.numbers, kind="stable")
    numbers = evaluation.numbers[order]
    names = [] if isinstance(split, ExampleStream) else names_of_split(split)
    return ImageCounts(
        numbers,
        tuple(names[number] for number in numbers.tolist() if names),
        evaluation.overlap[order],
        evaluation.union[order],
        labels.class_names,
        fingerprint_of_split(split),
        protocol,
        weights,
    )


def check_name(name: str) -> None:
    """Raises a `KerassegError` unless a name is that of files in `evaluation/`.

    Args:
        name: Without suffix.
    """
    if Path(name).name != name or name in ("", ".."):
        raise KerassegError(f"--name {name!r} is a path; give the name of a file alone.")
    length = len(os.fsencode(name))
    if length > _MOST_OF_NAME:
        raise KerassegError(
            f"the files would be called {name[:40]}..., a name of {length} bytes; at most "
            f"{_MOST_OF_NAME} are accepted. Give a shorter --name."
        )


def write_image_counts(run: "Run", name: str, counts: ImageCounts) -> Path:
    """Writes `evaluation/NAME.npz` of a run, as a whole or not at all.

    The arrays in it: `schema_version`, `numbers`, `names`, `overlap`, `union`, `class_names`,
    `fingerprint`, `protocol`, `weights`, as `ImageCounts` has them.

    Args:
        run: The run that was evaluated.
        name: What was evaluated and how: `"validation"`, the split and protocol for others.
        counts: To be written.

    Returns:
        The file.

    Raises:
        KerassegError: If the name is a path, the disk is full or the place must not be written to.

    Example:
        >>> from kerasseg.run import Run
        >>> ones = np.ones((1, 2), np.int64)
        >>> counts = ImageCounts(np.array([0]), ("a.png",), ones, ones, ("soil", "leaf"), "12ab")
        >>> write_image_counts(Run("runs/leaves"), "validation", counts).as_posix()
        'runs/leaves/evaluation/validation.npz'
        >>> read_image_counts(Run("runs/leaves"), "validation").names
        ('a.png',)
    """
    check_name(name)
    path = run.file(FOLDER) / f"{name}.npz"
    with atomic_file(path) as temporary:
        np.savez_compressed(
            temporary,
            schema_version=np.array(SCHEMA_VERSION),
            numbers=counts.numbers,
            names=np.array(counts.names, np.str_),
            overlap=counts.overlap,
            union=counts.union,
            class_names=np.array(counts.class_names, np.str_),
            fingerprint=np.array(counts.fingerprint, np.str_),
            protocol=np.array(counts.protocol, np.str_),
            weights=np.array(counts.weights, np.str_),
        )
    return path


def read_image_counts(run: "Run", name: str = VALIDATION) -> ImageCounts:
    """Returns what `write_image_counts` wrote.

    Args:
        run: The run.
        name: What was evaluated and how.

    Raises:
        KerassegError: If the name is a path, or the run holds no such file, or it is damaged or of
            another version.

    Example:
        >>> from kerasseg.run import Run
        >>> read_image_counts(Run("runs/nowhere"))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: runs/nowhere holds no evaluation/validation.npz. ...
    """
    check_name(name)
    path = run.file(FOLDER) / f"{name}.npz"
    if not path.is_file():
        found = ", ".join(sorted(each.stem for each in path.parent.glob("*.npz")))
        remedy = (
            "The command that trained it, given again, ends with the evaluation that leaves it."
            if name == VALIDATION
            else "training.evaluate leaves one."
        )
        raise KerassegError(
            f"{run.path} holds no {FOLDER}/{path.name}. {f'There is {found}.' if found else remedy}"
        )
    values = _arrays(path)
    version = values.get("schema_version", "none")
    if version != SCHEMA_VERSION:
        raise KerassegError(
            f"{path} has schema version {version}; this kerasseg reads version {SCHEMA_VERSION}. "
            "Evaluate the run again."
        )
    missing = [name for name in _ARRAYS if name not in values]
    if missing:
        raise KerassegError(f"{path} holds no {missing[0]}. Evaluate the run again.")
    return ImageCounts(
        values["numbers"],
        tuple(values["names"].tolist()),
        values["overlap"],
        values["union"],
        tuple(values["class_names"].tolist()),
        str(values["fingerprint"]),
        *(str(values.get(key, "")) for key in ("protocol", "weights")),
    )


def _arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    try:
        # NumPy leaves a file open that it opened itself and cannot read.
        with open(path, "rb") as file, np.load(file) as saved:
            return dict(saved)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise KerassegError(f"{path} cannot be read: {error}. Evaluate the run again.") from None
