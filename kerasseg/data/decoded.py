"""The decoded pixels of a split, one image behind the other, and how any of them is had at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from kerasseg.data.reading import read_pair
from kerasseg.data.streams import ExampleStream, Split, sizes_of
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet

Reader = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def id_dtype(labels: LabelSet) -> np.dtype:
    """Returns the smallest dtype that holds every class id and the void label."""
    largest = max(labels.num_classes - 1, labels.ignore_label)
    return np.dtype(np.uint8 if largest < 256 else np.uint16)


def decoded_bytes(pairs: Split, labels: LabelSet) -> int:
    """Returns the room that the decoded pairs take, in bytes; only headers are read.

    A pixel takes 4 bytes, or 5 where class ids or the void label exceed 255.

    Args:
        pairs: Image and label files, or a split of records.
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
    return total_pixels(sizes_of(pairs)) * bytes_a_pixel(labels)


def total_pixels(sizes: list[tuple[int, int]]) -> int:
    """Returns how many pixels images of these sizes have together."""
    return sum(height * width for height, width in sizes)


def bytes_a_pixel(labels: LabelSet) -> int:
    """Returns the room that a pixel of an image and of its label map take together."""
    return 3 + id_dtype(labels).itemsize


def fill(split: Split, sizes: list[tuple[int, int]], pixels: np.ndarray, ids: np.ndarray) -> None:
    """Decodes a split into two flat arrays.

    Args:
        split: The images and label maps.
        sizes: Height and width of each.
        pixels: uint8, three for each pixel of all images.
        ids: An unsigned dtype, one for each pixel of all images.
    """
    ends = np.cumsum([height * width for height, width in sizes])

    def put(number: int, image: np.ndarray, label: np.ndarray) -> None:
        if image.shape[:2] != sizes[number] or label.shape != sizes[number]:
            raise KerassegError(f"image {number} of the split changed its size while it was read.")
        end = int(ends[number])
        pixels[(end - label.size) * 3 : end * 3] = image.ravel()
        ids[end - label.size : end] = label.ravel()

    if isinstance(split, ExampleStream):
        stream = split.in_order().map(
            lambda name, image, label: split.decode(image, label),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        for number, (image, label) in enumerate(stream.as_numpy_iterator()):
            put(number, image, label)
    else:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda number: put(number, *read_pair(split[number])), range(len(split))))


def flat_reader(pixels: np.ndarray, ids: np.ndarray, sizes: list[tuple[int, int]]) -> Reader:
    """Returns a function from an index, int64, to the image and label map of two flat arrays.

    The arrays are not copied; they must begin at a multiple of 64 bytes and be writable.
    """
    image, label = flat_maps(pixels, sizes, 3), flat_maps(ids, sizes)
    return lambda index: (image(index), label(index))


def flat_maps(
    values: np.ndarray, sizes: list[tuple[int, int]], *channels: int
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a function from an index, int64, to one map `(H, W, *channels)` of a flat array.

    The array is not copied; it must begin at a multiple of 64 bytes and be writable.
    """
    with tf.device("CPU"):
        flat = tf.experimental.dlpack.from_dlpack(values.__dlpack__())
        shapes = np.array([(*size, *channels) for size in sizes], np.int64)
        lengths = shapes.prod(axis=1)
        table = tf.constant(np.c_[lengths.cumsum() - lengths, lengths, shapes])

    def read(index: tf.Tensor) -> tf.Tensor:
        begin, length, shape = tf.split(tf.gather(table, index), [1, 1, shapes.shape[1]])
        part = tf.slice(flat, begin, length)
        return tf.ensure_shape(tf.reshape(part, shape), (None, None, *channels))

    return read


def in_words(size: int) -> str:
    """Returns a number of bytes as it is written: `"190 MB"`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
