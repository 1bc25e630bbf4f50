"""How often classes occur, and the weights of a loss that make up for it."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from kerasseg.data.checking import read_label
from kerasseg.data.decoding import decode_label
from kerasseg.data.streams import ExampleStream, Split
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import LabelSet

# By which power of the median frequency over its own a class is weighted.
_POWERS = {
    "median-frequency": 1.0,
    "inverse-frequency": 1.0,
    "inverse-square-root": 1 / 2,
    "cube-root": 1 / 3,
}
WEIGHTINGS = tuple(_POWERS)
"""The rules that `class_weights` knows."""


@dataclass(frozen=True)
class ClassHistogram:
    """How often each class occurs in label maps.

    Args:
        pixels: Pixels of each class.
        images: In how many label maps each class occurs.
        pixels_around: All pixels, void ones too, of the label maps in which each class occurs.

    Raises:
        KerassegError: If the three differ in length, or there is no class.

    Example:
        >>> ClassHistogram(pixels=(75, 25), images=(1, 1), pixels_around=(100, 100)).num_classes
        2
    """

    pixels: tuple[int, ...]
    images: tuple[int, ...]
    pixels_around: tuple[int, ...]

    def __post_init__(self) -> None:
        lengths = [len(self.pixels), len(self.images), len(self.pixels_around)]
        if not self.pixels or len(set(lengths)) > 1:
            raise KerassegError(
                "a class histogram has pixels, images and pixels_around of every class; got "
                f"{lengths[0]}, {lengths[1]} and {lengths[2]} numbers."
            )

    @property
    def num_classes(self) -> int:
        """How many classes there are; void is none of them."""
        return len(self.pixels)


def class_histogram(pairs: Split, labels: LabelSet) -> ClassHistogram:
    """Returns how often each class occurs in the label maps of a split, read in parallel.

    Args:
        pairs: Image and label files, checked by `check_pairs`, or a split of records.
        labels: Their classes and the void label.

    Raises:
        tf.errors.OpError: If a label map cannot be decoded.

    Example:
        >>> from kerasseg.data import find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "train")
        >>> class_histogram(pairs, shapes.LABELS).images[0]
        2
    """
    if isinstance(pairs, ExampleStream):
        return histogram_of((_counts(ids, labels) for ids in _in_order(pairs)), labels)
    with ThreadPoolExecutor() as pool:
        return histogram_of(pool.map(lambda pair: _counts(read_label(pair), labels), pairs), labels)


def _in_order(stream: ExampleStream) -> Iterable[np.ndarray]:
    maps = stream.in_order().map(
        lambda name, image, label: decode_label(label, stream.encoding, stream.stored),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return maps.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()


def _counts(ids: np.ndarray, labels: LabelSet) -> tuple[np.ndarray, int]:
    known = ids[(ids >= 0) & (ids < labels.num_classes)]
    return np.bincount(known, minlength=labels.num_classes), ids.size


def histogram_of(counts: Iterable[tuple[np.ndarray, int]], labels: LabelSet) -> ClassHistogram:
    """Returns the histogram of label maps, given pixels by class `(C,)` and all pixels of each."""
    pixels, images, around = np.zeros((3, labels.num_classes), np.int64)
    for of_map, size in counts:
        pixels += of_map
        images += of_map > 0
        around += np.where(of_map > 0, size, 0)
    rows = (tuple(int(value) for value in row) for row in (pixels, images, around))
    return ClassHistogram(*rows)


def class_weights(
    histogram: ClassHistogram, weighting: str = "median-frequency"
) -> tuple[float, ...]:
    """Returns one weight a class for the losses, larger for rarer classes.

    - `"median-frequency"`: `median(f) / f_c` (Eigen & Fergus, ICCV 2015, arXiv 1411.4734, section
      6.3.2), where f_c is the share of class c in the pixels of the label maps that hold it.
    - `"inverse-frequency"`: `median(s) / s_c`, where s_c is the share of class c in the pixels of
      all classes.
    - `"inverse-square-root"`: the square root of the same.
    - `"cube-root"`: the cube root of the same, the mildest of them.

    The medians are over the classes that occur. A class that never occurs has weight 0, which
    changes nothing where it is trained on: none of its pixels is there.

    Args:
        histogram: That of the label maps to learn from.
        weighting: One of `WEIGHTINGS`.

    Raises:
        KerassegError: If the weighting is unknown, or no class occurs at all.

    Example:
        >>> histogram = ClassHistogram((810, 90, 0), (9, 5, 0), (900, 500, 0))
        >>> [round(weight, 3) for weight in class_weights(histogram)]
        [0.6, 3.0, 0.0]
        >>> [round(weight, 3) for weight in class_weights(histogram, "inverse-square-root")]
        [0.745, 2.236, 0.0]
    """
    if weighting not in _POWERS:
        raise unknown_name("class weighting", weighting, _POWERS)
    pixels = np.array(histogram.pixels, np.float64)
    occurs = pixels > 0
    if not occurs.any():
        raise KerassegError("no class occurs in the label maps, so that none can be weighted.")
    of_all = weighting != "median-frequency"
    whole = np.full_like(pixels, pixels.sum()) if of_all else np.array(histogram.pixels_around)
    frequency = pixels[occurs] / whole[occurs]
    weights = np.zeros_like(pixels)
    weights[occurs] = (np.median(frequency) / frequency) ** _POWERS[weighting]
    return tuple(weights.tolist())
