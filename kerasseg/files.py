"""Files that are there as a whole or not at all."""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a temporary path beside `path`, renamed to `path` when the block ends well.

    The temporary name keeps the suffix of `path`, since Keras and Pillow choose the format by
    it. After an error nothing is left behind and `path` is as it was.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "notes.txt"
        >>> with atomic_file(target) as temporary:
        ...     _ = temporary.write_text("whole")
        >>> target.read_text()
        'whole'
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    suffix = "".join(target.suffixes[-2:])
    # The number of a process is not unique where several machines write to one file system.
    own = f"{os.getpid()}-{secrets.token_hex(4)}"
    temporary = target.parent / f".{target.name}.{own}.partial{suffix}"
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives an empty temporary directory beside `path`, renamed to `path` when the block ends well.

    Raises:
        FileExistsError: If `path` exists; nothing is ever overwritten.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(
        tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
    )
    try:
        yield temporary
        for file in filter(Path.is_file, temporary.rglob("*")):
            _flush(file)
        temporary.chmod(0o755)
        if target.exists():
            raise FileExistsError(f"{target} exists already.")
        _rename(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _rename(temporary: Path, target: Path) -> None:
    try:
        os.rename(temporary, target)
    except OSError as error:
        # Another process may have given the name to its own directory in this moment.
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError(f"{target} exists already.") from None
        raise


def _flush(path: Path) -> None:
    """Has a file on the disk before it gets its name, so that no crash leaves the name alone."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
