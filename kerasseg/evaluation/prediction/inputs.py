"""Which images and videos the arguments of a command mean, and what their results are called."""

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar

from kerasseg.command_line import counted
from kerasseg.data import tiff
from kerasseg.data.folder import IMAGE_SUFFIXES
from kerasseg.errors import KerassegError

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv")
PICTURE_SUFFIXES = (*IMAGE_SUFFIXES, *tiff.SUFFIXES)
INPUT_SUFFIXES = (*PICTURE_SUFFIXES, *VIDEO_SUFFIXES)
File = TypeVar("File")


class Input(NamedTuple):
    """A file, or a frame of a video.

    Attributes:
        path: The file.
        name: The path of its results below theirs, without suffix.
        frame: Which frame of a video it is, the first being 1; 0 for the file as a whole.
    """

    path: Path
    name: PurePosixPath
    frame: int = 0

    @property
    def is_video(self) -> bool:
        """Whether it is a video as a whole, by its suffix."""
        return self._has_frames and not self.frame

    def at_frame(self, number: int) -> "Input":
        """Returns a frame of a video.

        Example:
            >>> str(Input(Path("clips/a.mp4"), PurePosixPath("a")).at_frame(7).name)
            'a/000007'
        """
        return Input(self.path, self.name / f"{number:06d}", number)

    @property
    def file_name(self) -> PurePosixPath:
        """What it is called below the folder that was given.

        Frames are called what `ffmpeg -i NAME.mp4 NAME/%06d.png` writes.
        """
        suffix = ".png" if self._has_frames else self.path.suffix
        return self.name.with_name(f"{self.name.name}{suffix}")

    @property
    def _has_frames(self) -> bool:
        return self.path.suffix.lower() in VIDEO_SUFFIXES


def find_inputs(arguments: Sequence[str], results: Path | None = None) -> list[Input]:
    """Returns the image and video files that arguments stand for, in order and each once.

    Args:
        arguments: Files; folders, of which every image and video is taken, in folders below too;
            patterns such as `"photos/*.jpg"`; `"-"` for paths on standard input, one a line.
        results: The directory of the results, of which nothing is taken for an image.

    Raises:
        KerassegError: If one stands for nothing, or for results alone, or two images would have
            one name.

    Example:
        >>> Path("photos/may").mkdir(parents=True)
        >>> for name in ("a.jpg", "may/b.png", "notes.txt"):
        ...     Path("photos", name).touch()
        >>> [str(each.name) for each in find_inputs(["photos"])]
        ['a', 'may/b']
    """
    found = listed(arguments)
    inputs = list(found.values())
    if results is not None:
        results = results.resolve()
        inputs = without_results(inputs, [path.is_relative_to(results) for path in found], results)
    check_names([(each.path, each.name) for each in inputs])
    _check_frames(inputs)
    return inputs


def listed(arguments: Iterable[str]) -> dict[Path, Input]:
    """Returns the files that arguments stand for by their paths without links, unchecked.

    Args:
        arguments: As for `find_inputs`.

    Raises:
        KerassegError: If one stands for nothing.
    """
    found: dict[Path, Input] = {}
    for argument in with_standard_input(arguments):
        for each in _of_argument(argument):
            found.setdefault(each.path.resolve(), each)
    return found


def with_standard_input(arguments: Iterable[str]) -> Iterator[str]:
    """Gives arguments, and in place of each `"-"` the lines of standard input that are not empty.

    Args:
        arguments: As for `find_inputs`.

    Raises:
        KerassegError: If an argument is empty, or the lines are no paths.
    """
    for argument in arguments:
        if not argument:
            # Path("") is the working directory, all of which a variable without a value means not.
            raise KerassegError("a path is empty: give another one; . is the folder you are in.")
        if argument == "-":
            yield from _lines_of_standard_input()
        else:
            yield argument


def _lines_of_standard_input() -> Iterator[str]:
    for line in (line.rstrip("\r\n") for line in sys.stdin):
        if "\0" in line:
            raise KerassegError(
                "standard input has zero bytes, as of find -print0: give paths one a line, as by "
                "find -print."
            )
        if line and line != "-":
            yield line


def _of_argument(argument: str) -> list[Input]:
    path = Path(argument)
    # Unlike the methods of Path these answer a name that is too long.
    if os.path.isdir(path):
        return _of_folder(path)
    if not os.path.exists(path) and glob.has_magic(argument):
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
        if path.suffix.lower() in INPUT_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]
    if not files:
        accepted = ", ".join(suffix[1:] for suffix in INPUT_SUFFIXES)
        raise KerassegError(f"{folder} holds no image: accepted are {accepted}.")
    names = (PurePosixPath(path.relative_to(folder).as_posix()).with_suffix("") for path in files)
    return [Input(path, name) for path, name in zip(files, names, strict=True)]


def without_results(
    files: Iterable[File], is_result: Iterable[bool], results: object
) -> list[File]:
    """Returns the files that are no results of an earlier start, and says how many are.

    Args:
        files: What was found.
        is_result: Whether each of them lies below the directory of the results.
        results: What messages call that.

    Raises:
        KerassegError: If all of them are.
    """
    known = list(zip(files, is_result, strict=True))
    kept = [file for file, left_out in known if not left_out]
    if known and not kept:
        raise KerassegError(
            f"every image lies below --out {results}, whose files are taken for results: give "
            "another --out."
        )
    if len(kept) < len(known):
        there = counted(len(known) - len(kept), "file is", "files are")
        print(f"{there} left out as results, below --out {results}", file=sys.stderr)
    return kept


def check_names(inputs: Sequence[tuple[object, PurePosixPath]]) -> None:
    """Raises a `KerassegError` if there are no images, or two of them would have one name.

    Args:
        inputs: Where each lies, and the name of its results.
    """
    if not inputs:
        raise KerassegError("there is no image among the paths; give at least one.")
    taken: dict[PurePosixPath, object] = {}
    for path, name in inputs:
        if name in taken:
            raise KerassegError(
                f"{taken[name]} and {path} would both be written as {name}: rename one, or give "
                "the folder above both."
            )
        taken[name] = path


def _check_frames(inputs: Sequence[Input]) -> None:
    videos = {each.name: each.path for each in inputs if each.is_video}
    for path, name, _ in inputs:
        if name.parent in videos:
            raise KerassegError(
                f"{path} would be written among the frames of {videos[name.parent]}: rename one, "
                "or give another --out for each."
            )
