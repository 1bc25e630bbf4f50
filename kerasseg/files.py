"""Files that are there as a whole or not at all."""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kerasseg.errors import KerassegError

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a temporary path beside `path`, renamed to `path` when the block ends well.

    The temporary name keeps the suffix of `path`, since Keras and Pillow choose the format by
    it. After an error nothing is left behind and `path` is as it was.

    Raises:
        KerassegError: If the disk is full or the place must not be written to.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "notes.txt"
        >>> with atomic_file(target) as temporary:
        ...     _ = temporary.write_text("whole")
        >>> target.read_text()
        'whole'
    """
    target = Path(path)
    suffix = "".join(target.suffixes[-2:])
    # The number of a process is not unique where several machines write to one file system.
    own = f"{os.getpid()}-{secrets.token_hex(4)}"
    temporary = target.parent / f".{target.name}.{own}.partial{suffix}"
    with _naming(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            _flush(temporary)
            os.replace(temporary, target)
            _flush(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives an empty temporary directory beside `path`, renamed to `path` when the block ends well.

    Raises:
        FileExistsError: If `path` exists; nothing is ever overwritten.
        KerassegError: If the disk is full or the place must not be written to.
    """
    target = Path(path)
    with _naming(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(
            tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
        )
        try:
            yield temporary
            for part in (*temporary.rglob("*"), temporary):
                _flush(part)
            temporary.chmod(0o755)
            if target.exists():
                raise FileExistsError(f"{target} exists already.")
            _rename(temporary, target)
            _flush(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def remove_partial(directory: Path) -> None:
    """Deletes what a process that was killed left of files that it was writing.

    Args:
        directory: Where `atomic_file` and `atomic_directory` wrote; directories in it are left.
    """
    for path in directory.glob(".*.partial*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Says which file could not be written, and what to do."""
    try:
        yield
    except OSError as error:
        no_room, forbidden = error.errno in _NO_ROOM, error.errno in _NOT_ALLOWED
        no_room |= says_no_room(error)
        if not no_room and not (forbidden and _is_at(error.filename, target)):
            raise
        remedy = "Make room" if no_room else "Give another directory, or allow it"
        raise KerassegError(
            f"{target} cannot be written: {error.strerror or error}. {remedy}; what was there "
            "before is as it was."
        ) from error


def says_no_room(error: BaseException) -> bool:
    """Returns whether the message of an error speaks of a full disk, where its number does not.

    h5py gives the number in the message, TensorFlow the operating system's words.

    Example:
        >>> says_no_room(RuntimeError("/runs/events.out; No space left on device"))
        True
    """
    said = str(error)
    return any(f"errno = {n}," in said or os.strerror(n) in said for n in _NO_ROOM)


def _is_at(filename: object, target: Path) -> bool:
    """Returns whether an error speaks of the place that was to be written."""
    place = Path(str(filename))
    return place == target.parent or place in target.parents or place.parent == target.parent


def _rename(temporary: Path, target: Path) -> None:
    try:
        os.rename(temporary, target)
    except OSError as error:
        # Another process may have given the name to its own directory in this moment.
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError(f"{target} exists already.") from None
        raise


def _flush(path: Path) -> None:
    """Has a file, or the names in a directory, on the disk, so that no crash undoes them later."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
