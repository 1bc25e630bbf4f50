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
_NO_PLACE = {errno.ENOTDIR, errno.EEXIST, errno.ENOENT, errno.ENAMETOOLONG, errno.ELOOP}
# Characters that a temporary name has of its target's name and suffix. A name may have 255 bytes, a
# character four; a process's number and the rest take less than 50.
_MOST_OF_NAME = _MOST_OF_SUFFIX = 24


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a temporary path beside `path`, renamed to `path` when the block ends well.

    The temporary name keeps the suffix of `path`, since Keras and Pillow choose the format by
    it, and the beginning of its name, for whoever finds what a crash left. After an error nothing
    is left behind and `path` is as it was.

    Raises:
        KerassegError: If the disk is full, or there is no such place or it must not be written to.

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
    suffix = suffix if len(suffix) <= _MOST_OF_SUFFIX else target.suffix[:_MOST_OF_SUFFIX]
    # The number of a process is not unique where several machines write to one file system.
    own = f"{os.getpid()}-{secrets.token_hex(4)}"
    temporary = target.parent / f".{target.name[:_MOST_OF_NAME]}.{own}.partial{suffix}"
    with naming(target):
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
        KerassegError: If the disk is full, or there is no such place or it must not be written to.
    """
    target = Path(path)
    with naming(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(
            tempfile.mkdtemp(
                prefix=f".{target.name[:_MOST_OF_NAME]}.", suffix=".partial", dir=target.parent
            )
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
def naming(target: Path) -> Iterator[None]:
    """Has errors of the operating system say which file cannot be written, and what to do.

    Args:
        target: The file; errors that speak of other places than its directory, or those above
            it, are raised as they are.

    Raises:
        KerassegError: If the disk is full, or there is no such place or it must not be written to.
    """
    try:
        yield
    except OSError as error:
        no_room = error.errno in _NO_ROOM or says_no_room(error)
        if not no_room and not _is_about(error, target):
            raise
        remedy = "Make room" if no_room else "Give another directory"
        remedy += ", or allow it" if error.errno in _NOT_ALLOWED else ""
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


def _is_about(error: OSError, target: Path) -> bool:
    """Returns whether an error says that there is no such place, or that it is closed."""
    place = Path(str(error.filename))
    if place == target.parent or place in target.parents:
        return error.errno in _NOT_ALLOWED | _NO_PLACE
    # What a block reads may lie beside its target, and be missing there.
    at_target = place == target or place.parent == target.parent
    return at_target and error.errno in {*_NOT_ALLOWED, errno.ENAMETOOLONG, errno.ENOTDIR}


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
