"""MATLAB files of version 7.3 as MATLAB writes them: a block of text, then HDF5."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py


@contextmanager
def matlab_file(path: Path) -> Iterator[h5py.File]:
    """Gives a file to write into; arrays go in with their axes in reverse order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        yield file
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
