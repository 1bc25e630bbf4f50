"""MATLAB files: those up to version 7 by SciPy, those of version 7.3, which are HDF5, by h5py."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kerasseg.data.extras import imported
from kerasseg.errors import KerassegError, UnreadableError, first_line


def variable(path: Path, name: str) -> Any:
    """Returns a variable of a file up to version 7: an array, a struct with attributes, a number.

    Dimensions of length 1 are dropped, as elsewhere in SciPy with `squeeze_me`.

    Raises:
        UnreadableError: If the file cannot be read.
        KerassegError: If SciPy is missing, or the file has no such variable.
    """
    scipy_io = imported("scipy.io", "MATLAB files")
    try:
        found = scipy_io.loadmat(path, squeeze_me=True, struct_as_record=False)
    except Exception as error:  # SciPy raises whatever the bytes of a damaged file lead to.
        raise UnreadableError(
            f"{path} cannot be read as a MATLAB file ({first_line(error)}). Restore it."
        ) from None
    if name not in found:
        there = ", ".join(key for key in found if not key.startswith("__")) or "nothing"
        raise KerassegError(f"{path} holds no variable {name!r}: it holds {there}.")
    return found[name]


@contextmanager
def hdf5(path: Path, *names: str) -> Iterator[Any]:
    """Gives an open file of version 7.3. Its arrays come with the axes in reverse order.

    Args:
        path: The file.
        names: The variables that it must have.

    Raises:
        UnreadableError: If the file cannot be read.
        KerassegError: If h5py is missing, or the file is another or lacks a variable.
    """
    h5py = imported("h5py", "MATLAB files of version 7.3")
    if not h5py.is_hdf5(path):
        raise KerassegError(f"{path} is no MATLAB file of version 7.3. Restore it.")
    try:
        with h5py.File(path, "r") as file:
            for name in names:
                if name not in file:
                    raise KerassegError(
                        f"{path} holds no variable {name!r}: it holds {', '.join(file)}."
                    )
            yield file
    except (OSError, RuntimeError) as error:
        raise UnreadableError(
            f"{path} cannot be read ({first_line(error)}). Restore it: it may be cut short."
        ) from None
