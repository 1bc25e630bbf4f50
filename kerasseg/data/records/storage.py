"""Files on this machine or in a bucket: what `tf.io.gfile` opens."""

import hashlib
import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

from kerasseg.errors import KerassegError, first_line
from kerasseg.files import atomic_file

_CHUNK = 1 << 22


def is_remote(path: str) -> bool:
    """Returns whether a path names a place beyond this machine's own file system."""
    return "://" in path


def join(directory: str, *names: str) -> str:
    """Returns the path of a file in a directory."""
    return posixpath.join(directory, *names)


@contextmanager
def reaching(path: str) -> Iterator[None]:
    """Turns the errors of a place that cannot be reached into one that says so."""
    try:
        yield
    except (tf.errors.OpError, OSError) as error:
        plugin = (
            " Beyond gs:// a plugin such as tensorflow-io is needed." if is_remote(path) else ""
        )
        raise KerassegError(f"{path} cannot be used: {first_line(error)}.{plugin}") from None


def names_in(directory: str) -> list[str]:
    """Returns the names in a directory, sorted, hidden ones left out; none where there is none."""
    if not tf.io.gfile.isdir(directory):
        return []
    names = (name.rstrip("/") for name in tf.io.gfile.listdir(directory))
    return sorted(name for name in names if not name.startswith("."))


def read_text(path: str) -> str | None:
    """Returns the text of a file, None where there is no such file."""
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path, "rb") as stream:
        return stream.read().decode("utf-8", errors="replace")


def write_text(path: str, text: str) -> None:
    """Writes a file as a whole: by a rename, or, in a bucket, as an object."""
    if is_remote(path):
        with tf.io.gfile.GFile(path, "wb") as stream:
            stream.write(text.encode())
    else:
        with atomic_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def move(local: Path, path: str) -> None:
    """Gives a file of this machine, whole as it is, its place."""
    if is_remote(path):
        tf.io.gfile.copy(str(local), path, overwrite=True)
    else:
        with local.open("rb") as stream:
            os.fsync(stream.fileno())  # no crash leaves the name alone
        os.replace(local, path)


def length(path: str) -> int | None:
    """Returns how many bytes a file has, None where there is no such file."""
    return tf.io.gfile.stat(path).length if tf.io.gfile.exists(path) else None


def sha256(path: str) -> str:
    """Returns the hash of a file, hexadecimal."""
    found = hashlib.sha256()
    with tf.io.gfile.GFile(path, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()
