"""The decoded pixels of a split, kept on disk from run to run."""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Literal

import numpy as np

from kerasseg.data.decoded import (
    Reader,
    bytes_a_pixel,
    fill,
    flat_reader,
    id_dtype,
    in_words,
    total_pixels,
)
from kerasseg.data.folder import fingerprint
from kerasseg.data.home import home
from kerasseg.data.streams import ExampleStream, Split, sizes_of
from kerasseg.errors import KerassegError
from kerasseg.files import atomic_directory
from kerasseg.label_set import LabelSet

_LAYOUT = 1  # raised whenever the files mean something else


def decoded_on_disk(
    split: Split, labels: LabelSet, directory: str | os.PathLike[str] | None = None
) -> Reader:
    """Decodes every image once and returns a function from index to image and label map.

    Pixels and class ids lie in two files, which are mapped into memory and not read before they
    are asked for. Their place is named after the contents of the split, so that the next run on
    the same data finds them; how much room they take is said on standard error before they are
    written.

    Args:
        split: Checked images and label maps.
        labels: Their classes and the void label.
        directory: Where such caches lie; by default `decoded` in the directory that the
            environment variable `KERASSEG_HOME` names, or else in `~/.cache/kerasseg`.

    Returns:
        What `decoded_in_memory` does.

    Raises:
        KerassegError: If the pixels do not fit onto the disk.
    """
    sizes = sizes_of(split)
    area = total_pixels(sizes)
    lengths = {"pixels": (3 * area, np.dtype(np.uint8)), "ids": (area, id_dtype(labels))}
    folder = Path(directory or home() / "decoded") / _key(split, labels)
    if not folder.is_dir():
        _build(split, labels, folder, sizes, lengths)
    # A private mapping: TensorFlow takes over only what could be written to.
    pixels, ids = _mapped(folder, lengths, "c")
    return flat_reader(pixels, ids, sizes)


def _mapped(
    folder: Path, lengths: dict[str, tuple[int, np.dtype]], mode: Literal["c", "w+"]
) -> list[np.memmap]:
    return [
        np.memmap(folder / name, dtype, mode, shape=(length,))
        for name, (length, dtype) in lengths.items()
    ]


def _build(
    split: Split,
    labels: LabelSet,
    folder: Path,
    sizes: list[tuple[int, int]],
    lengths: dict[str, tuple[int, np.dtype]],
) -> None:
    needed = total_pixels(sizes) * bytes_a_pixel(labels)
    folder.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder.parent).free
    if needed > free:
        raise KerassegError(
            f"the decoded images take {in_words(needed)} and {in_words(free)} are free in "
            f'{folder.parent}.\nName another place as KERASSEG_HOME, or pass cache="none" '
            "(--set data.cache=none)."
        )
    print(f"decoding {len(split)} images into {folder}: {in_words(needed)}", file=sys.stderr)
    try:
        with atomic_directory(folder) as temporary:
            pixels, ids = _mapped(temporary, lengths, "w+")
            fill(split, sizes, pixels, ids)
            pixels.flush()
            ids.flush()
    except FileExistsError:
        return  # another process has written the same meanwhile


def _key(split: Split, labels: LabelSet) -> str:
    """Returns a name for everything that the two files depend on."""
    if isinstance(split, ExampleStream):
        contents = [split.fingerprint]
    else:
        names = [f"{pair.name} {pair.encoding}" for pair in split]
        contents = [fingerprint(split), *names]
    parts = json.dumps([_LAYOUT, str(id_dtype(labels)), *contents])
    return hashlib.sha256(parts.encode()).hexdigest()[:32]
