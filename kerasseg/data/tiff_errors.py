"""What is wrong with a TIFF file."""

from pathlib import Path
from typing import Literal

from kerasseg.errors import KerassegError, UnreadableError


class TiffError(KerassegError):
    """A TIFF that cannot be used.

    Args:
        path: The file.
        kind: `"format"` where it is whole and holds something else than what is accepted; the
            kinds of an `UnreadableTiffError` otherwise.
        reason: What is wrong with it.
        message: Path, reason and what to do.
    """

    def __init__(
        self,
        path: Path,
        kind: Literal["unreadable", "corrupt", "large", "format"],
        reason: str,
        message: str,
    ) -> None:
        super().__init__(message)
        self.path, self.kind, self.reason = path, kind, reason


class UnreadableTiffError(TiffError, UnreadableError):
    """A TIFF that cannot be opened, `"unreadable"`, or is `"corrupt"` or too `"large"`."""
