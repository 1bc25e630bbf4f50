"""Opens picture files by Pillow, without its warning of large ones, which are read or refused."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile


@contextmanager
def open_picture(file: Path | BinaryIO, formats: list[str] | None = None) -> "Iterator[ImageFile]":
    """Gives what `PIL.Image.open` does; neither that nor decoding says how large it is.

    Args:
        file: The file, or a stream of its contents.
        formats: As Pillow names those that are tried; None for all.

    Raises:
        OSError: If the file is missing or is no picture.
        PIL.Image.DecompressionBombError: If it has more pixels than `most_pixels`.

    Example:
        >>> from PIL import Image
        >>> Image.new("RGB", (6, 4)).save("field.png")
        >>> with open_picture(Path("field.png")) as picture:
        ...     picture.size
        (6, 4)
    """
    from PIL import Image

    with _SILENCE, Image.open(file, formats=formats) as picture:
        yield picture


def format_of(path: Path) -> str | None:
    """Returns the format of a picture by its contents, as Pillow names it; None if it is none."""
    from PIL import Image

    try:
        with open_picture(path) as picture:
            return picture.format
    except (OSError, SyntaxError, TypeError, ValueError, Image.DecompressionBombError):
        return None


def most_pixels() -> int:
    """Returns how many pixels of an image are read at once: Pillow warns of half as many."""
    from PIL import Image

    return 2 * (Image.MAX_IMAGE_PIXELS or 0)


class Silence:
    """Leaves out Pillow's warning while any thread is within.

    With `warnings.catch_warnings` alone the first thread that is done would undo it for the others,
    and the last one would leave it done.
    """

    def __init__(self) -> None:
        self._lock, self._within, self._filters = threading.Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        from PIL import Image

        with self._lock:
            if not self._within:
                self._filters.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            self._within += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._within -= 1
            if not self._within:
                self._filters.close()


_SILENCE = Silence()
