"""The image files that the programs of `export` work with."""

from collections.abc import Iterable
from pathlib import Path

from kerasseg.errors import KerassegError
from kerasseg.run import Run

SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")


def run_samples(run: Run) -> dict[str, bytes]:
    """Returns the validation images that training left in the run's `samples/`, by path."""
    files = run.file("samples").glob("*")
    return read_images(path for path in sorted(files) if path.suffix.lower() in SUFFIXES)


def read_images(paths: Iterable[str | Path]) -> dict[str, bytes]:
    """Returns the bytes of image files by path.

    Raises:
        KerassegError: If a file is not there.
    """
    images = {}
    for path in map(Path, paths):
        if not path.is_file():
            raise KerassegError(f"no such image file: {path}.")
        images[str(path)] = path.read_bytes()
    return images
