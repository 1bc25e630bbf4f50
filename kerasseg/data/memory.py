"""The decoded pixels of a split, kept in memory."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf

from kerasseg.data.folder import Pair
from kerasseg.data.headers import image_sizes
from kerasseg.data.reading import read_pair
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet

_ALIGNMENT = 64  # TensorFlow takes over an array without a copy only from such an address.


def decoded_bytes(pairs: Sequence[Pair], labels: LabelSet) -> int:
    """Returns the memory that the decoded pairs take, in bytes; only headers are read.

    A pixel takes 4 bytes, or 5 where class ids or the void label exceed 255.

    Args:
        pairs: Image and label files.
        labels: Their classes and the void label.

    Raises:
        OSError: If an image cannot be read.

    Example:
        >>> from kerasseg.data import find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "val")
        >>> image, label = read_pair(pairs[0])
        >>> decoded_bytes(pairs, shapes.LABELS) == 4 * label.size
        True
    """
    return sum(height * width for height, width in image_sizes(pairs)) * (
        3 + _id_dtype(labels).itemsize
    )


def decoded_in_memory(
    pairs: Sequence[Pair], labels: LabelSet
) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """Decodes every pair once and returns a function from index to image and label map.

    Images of any sizes lie one behind the other in one tensor, label maps in a second, so that
    any pair can be had at once, which `tf.data.Dataset.cache` does not offer.

    Args:
        pairs: Image and label files, checked by `check_pairs`.
        labels: Their classes and the void label.

    Returns:
        A function that takes a scalar int64 and returns image, uint8 `(H, W, 3)`, and label map
        `(H, W)`, uint8 or, where ids exceed 255, uint16.

    Raises:
        KerassegError: If the pixels do not fit into the memory that is free.
    """
    _check_memory(decoded_bytes(pairs, labels))
    sizes = image_sizes(pairs)
    ends = np.cumsum([height * width for height, width in sizes])
    pixels = _aligned(int(ends[-1]) * 3, np.dtype(np.uint8))
    ids = _aligned(int(ends[-1]), _id_dtype(labels))

    def fill(number: int) -> None:
        image, label = read_pair(pairs[number])
        end = int(ends[number])
        pixels[(end - label.size) * 3 : end * 3] = image.ravel()
        ids[end - label.size : end] = label.ravel()

    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, range(len(pairs))))
    return _reader(pixels, ids, np.array(sizes, np.int64), ends)


def _reader(
    pixels: np.ndarray, ids: np.ndarray, all_sizes: np.ndarray, all_ends: np.ndarray
) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    with tf.device("CPU"):
        pixels, ids = (tf.experimental.dlpack.from_dlpack(a.__dlpack__()) for a in (pixels, ids))
        sizes, ends = tf.constant(all_sizes), tf.constant(all_ends, tf.int64)

    def read(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        size = sizes[index]
        area = tf.reduce_prod(size)
        start = ends[index] - area
        image = tf.slice(pixels, [3 * start], [3 * area])
        label = tf.slice(ids, [start], [area])
        return tf.reshape(image, tf.concat([size, [3]], axis=0)), tf.reshape(label, size)

    return read


def _id_dtype(labels: LabelSet) -> np.dtype:
    largest = max(labels.num_classes - 1, labels.ignore_label)
    return np.dtype(np.uint8 if largest < 256 else np.uint16)


def _aligned(length: int, dtype: np.dtype) -> np.ndarray:
    raw = np.empty(length * dtype.itemsize + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + length * dtype.itemsize].view(dtype)


def _check_memory(needed: int) -> None:
    free = _free_memory()
    if free is not None and needed > free:
        raise KerassegError(
            f"the decoded images take {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB of memory are "
            "free.\nTo decode them anew in every epoch pass cache=False, or --set data.cache=false "
            "to training.train."
        )


def _free_memory() -> int | None:
    """Returns what Linux says is available, in bytes; None on other systems."""
    path = Path("/proc/meminfo")
    if not path.is_file():
        return None
    fields = dict(line.split(":") for line in path.read_text().splitlines())
    return int(fields["MemAvailable"].split()[0]) * 1024
