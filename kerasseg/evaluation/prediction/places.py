"""Places of images and results, which may be one below the other."""

from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple


class Place(NamedTuple):
    """A file or folder on disk or in a bucket.

    Attributes:
        path: On disk without links, or below the root of the file system.
        system: Of `pyarrow.fs`; None for a disk.
    """

    path: Path | PurePosixPath
    system: Any = None

    def holds(self, other: "Place") -> bool:
        """Returns whether another place is below this one, or this one itself.

        Example:
            >>> predicted = Place(Path("photos/predicted"))
            >>> predicted.holds(Place(Path("photos/predicted/masks/a.png")))
            True
            >>> predicted.holds(Place(Path("photos/predicted2/a.png")))
            False
        """
        return self.system == other.system and other.path.is_relative_to(self.path)


def place_in(system: Any, path: str) -> Place:
    """Returns the place of a path in a file system of `pyarrow.fs`."""
    if system.type_name == "local":
        return Place(Path(path).resolve())
    return Place(PurePosixPath(path), system)
