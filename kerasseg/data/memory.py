"""The decoded pixels of a split, kept in memory."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf

from kerasseg.data.checking import read_label
from kerasseg.data.decoded import (
    Reader,
    bytes_a_pixel,
    fill,
    flat_maps,
    flat_reader,
    id_dtype,
    in_words,
    total_pixels,
)
from kerasseg.data.pair import Pair
from kerasseg.data.streams import Split, sizes_of
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet

_ALIGNMENT = 64  # TensorFlow takes over an array without a copy only from such an address.


def decoded_in_memory(split: Split, labels: LabelSet) -> Reader:
    """Decodes every image once and returns a function from index to image and label map.

    Images of any sizes lie one behind the other in one tensor, label maps in a second, so that
    any of them can be had at once, which `tf.data.Dataset.cache` does not offer. How much memory
    that takes is said on standard error before.

    Args:
        split: Checked images and label maps.
        labels: Their classes and the void label.

    Returns:
        A function that takes a scalar int64 and returns image, uint8 `(H, W, 3)`, and label map
        `(H, W)`, uint8 or, where ids exceed 255, uint16.

    Raises:
        KerassegError: If the pixels do not fit into the memory that is free.
    """
    sizes = sizes_of(split)
    area = total_pixels(sizes)
    needed = area * bytes_a_pixel(labels)
    _check_memory(needed)
    print(f"decoding {len(split)} images into memory: {in_words(needed)}", file=sys.stderr)
    pixels, ids = _aligned(area * 3, np.dtype(np.uint8)), _aligned(area, id_dtype(labels))
    fill(split, sizes, pixels, ids)
    return flat_reader(pixels, ids, sizes)


def labels_in_memory(pairs: Sequence[Pair], labels: LabelSet) -> Callable[[tf.Tensor], tf.Tensor]:
    """Decodes every label map once and returns a function from index to label map.

    Of a JPEG a window can be decoded, of a PNG only the whole: label maps take a third of the
    time of decoding and a fourth of the memory.

    Args:
        pairs: Checked image and label files.
        labels: Their classes and the void label.

    Returns:
        A function that takes a scalar int64 and returns a label map `(H, W)`, uint8 or, where
        ids exceed 255, uint16.

    Raises:
        KerassegError: If the label maps do not fit into the memory that is free.
    """
    sizes = sizes_of(pairs)
    ends = np.cumsum([height * width for height, width in sizes])
    needed = int(ends[-1]) * id_dtype(labels).itemsize
    _check_memory(needed)
    print(f"decoding {len(pairs)} label maps into memory: {in_words(needed)}", file=sys.stderr)
    ids = _aligned(int(ends[-1]), id_dtype(labels))

    def put(number: int) -> None:
        label = read_label(pairs[number])
        ids[int(ends[number]) - label.size : int(ends[number])] = label.ravel()

    with ThreadPoolExecutor() as pool:
        list(pool.map(put, range(len(pairs))))
    return flat_maps(ids, sizes)


def _aligned(length: int, dtype: np.dtype) -> np.ndarray:
    raw = np.empty(length * dtype.itemsize + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + length * dtype.itemsize].view(dtype)


def _check_memory(needed: int) -> None:
    free = _free_memory()
    if free is not None and needed > free:
        raise KerassegError(
            f"what is decoded takes {in_words(needed)} and {in_words(free)} of memory are free.\n"
            'Pass cache="disk", or "none" to decode them anew in every epoch; to training.train '
            "--set data.cache=disk."
        )


def _free_memory() -> int | None:
    """Returns what is available in bytes, to the container too; None beside Linux."""
    path = Path("/proc/meminfo")
    if not path.is_file():
        return None
    fields = dict(line.split(":") for line in path.read_text().splitlines())
    machine = int(fields["MemAvailable"].split()[0]) * 1024
    return min([machine, *_free_in_container(Path("/sys/fs/cgroup"))])


def _free_in_container(folder: Path) -> Iterator[int]:
    """Gives what the limit of a control group leaves, of either version, if there is one."""
    for limit, used, part in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        # Version 2 writes "max" where there is no limit, version 1 a number beyond any memory.
        if (folder / used).is_file() and (most := (folder / limit).read_text().strip()) != "max":
            lines = (folder / used).with_name("memory.stat").read_text().splitlines()
            # Cached files count as used, and are given up when memory is asked for.
            cached = int(dict(line.split() for line in lines).get(part, 0))
            yield max(int(most) - int((folder / used).read_text()) + cached, 0)
