"""Which image files are meant by the arguments of a command, and what their results are called."""

import glob
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from kerasseg.data import tiff
from kerasseg.data.folder import IMAGE_SUFFIXES
from kerasseg.errors import KerassegError

SUFFIXES = (*IMAGE_SUFFIXES, *tiff.SUFFIXES)


class Input(NamedTuple):
    """An image file, and the path of its results below theirs, without suffix."""

    path: Path
    name: PurePosixPath


def find_inputs(arguments: Sequence[str]) -> list[Input]:
    """Returns the image files that arguments stand for, in order and each once.

    Args:
        arguments: Files; folders, of which every image is taken, those in folders below too;
            patterns such as `"photos/*.jpg"`; `"-"` for paths on standard input, one a line.

    Raises:
        KerassegError: If one stands for nothing, or two images would have one name.

    Example:
        >>> Path("photos/may").mkdir(parents=True)
        >>> for name in ("a.jpg", "may/b.png", "notes.txt"):
        ...     Path("photos", name).touch()
        >>> [str(each.name) for each in find_inputs(["photos"])]
        ['a', 'may/b']
    """
    found: dict[Path, Input] = {}
    for each in _all(arguments):
        found.setdefault(each.path.resolve(), each)
    inputs = list(found.values())
    check_names(inputs)
    return inputs


def _all(arguments: Iterable[str]) -> Iterable[Input]:
    for argument in arguments:
        if argument == "-":
            lines = (line.rstrip("\r\n") for line in sys.stdin)
            yield from _all(line for line in lines if line and line != "-")
        else:
            yield from _of_argument(argument)


def _of_argument(argument: str) -> list[Input]:
    path = Path(argument)
    if path.is_dir():
        return _of_folder(path)
    if not path.exists() and glob.has_magic(argument):
        matches = sorted(Path(match) for match in glob.glob(argument, recursive=True))
        files = [_of_file(match) for match in matches if match.is_file()]
        if not files:
            raise KerassegError(f"no file matches {argument}.")
        return files
    # A file that is missing or no image is one bad file among others, not a reason to stop.
    return [_of_file(path)]


def _of_file(path: Path) -> Input:
    return Input(path, PurePosixPath(path.stem))


def _of_folder(folder: Path) -> list[Input]:
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]
    if not files:
        raise KerassegError(
            f"{folder} holds no image: accepted are {', '.join(part[1:] for part in SUFFIXES)}."
        )
    names = (PurePosixPath(path.relative_to(folder).as_posix()).with_suffix("") for path in files)
    return [Input(path, name) for path, name in zip(files, names, strict=True)]


def check_names(inputs: Iterable[tuple[object, PurePosixPath]]) -> None:
    """Raises a `KerassegError` if there are no images, or two of them would have one name.

    Args:
        inputs: Where each lies, and the name of its results.
    """
    taken: dict[PurePosixPath, object] = {}
    for path, name in inputs:
        if name in taken:
            raise KerassegError(
                f"{taken[name]} and {path} would both be written as {name}: rename one, or give "
                "the folder above both."
            )
        taken[name] = path
    if not taken:
        raise KerassegError("there is no image among the paths; give at least one.")
