"""Splits that are read from their beginning to their end, and what is asked of any split."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

from kerasseg.data.checking import OnError, sift
from kerasseg.data.decoding import decode_pair, decode_window, label_of_image
from kerasseg.data.examples import Example, load_example
from kerasseg.data.folder import fingerprint
from kerasseg.data.headers import Stored, image_sizes
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.data.pair import Pair
from kerasseg.data.reading import WindowReader
from kerasseg.label_set import LabelSet

_BLOCK_BYTES = 128_000_000


class ExampleStream(ABC):
    """A checked split without access to a single example: records, TensorFlow Datasets.

    Args:
        labels: The classes and the void label.
        sizes: Height and width of each image as it is to be seen, in the order of `in_order`.
        encoding: How the label maps store the classes.
        stored: How the images and label maps are stored.
        fingerprint: Changes with anything that is in it.
        skipped: Why examples were left out, one message each.
        place: What messages call it.
    """

    def __init__(
        self,
        labels: LabelSet,
        sizes: Sequence[tuple[int, int]],
        encoding: LabelEncoding,
        stored: Stored,
        fingerprint: str,
        skipped: Sequence[str],
        place: str,
    ) -> None:
        self.labels = labels
        self.sizes = list(sizes)
        self.encoding = encoding
        self.stored = stored
        self.fingerprint = fingerprint
        self.skipped = list(skipped)
        self.place = place

    def __len__(self) -> int:
        return len(self.sizes)

    @abstractmethod
    def in_order(self) -> tf.data.Dataset:
        """Returns file name, encoded image and encoded label map, three scalar strings each."""

    @abstractmethod
    def shuffled(self, seed: tf.Tensor) -> tf.data.Dataset:
        """Returns what `in_order` does, every example once, in an order that the seed decides.

        Args:
            seed: int64 `(2,)`.
        """

    @abstractmethod
    def check(self) -> None:
        """Reads everything and raises a `KerassegError` that names what cannot be used."""

    def decode(self, image: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the pixels, uint8 `(H, W, 3)`, and class ids, int32 `(H, W)`, of an example."""
        return decode_pair(image, label, self.encoding, self.stored)

    def windows(self, image: tf.Tensor, label: tf.Tensor) -> tuple[WindowReader, tf.Tensor]:
        """Returns what `kerasseg.data.reading.window_reader` says, of an encoded example."""
        ids = label_of_image(image, label, self.encoding, self.stored)
        return lambda start, size: decode_window(image, start, size, self.stored), ids

    @abstractmethod
    def examples(self, places: Sequence[int]) -> list[Example]:
        """Returns the examples at some places in the order of `in_order`."""


def shuffled(
    examples: tf.data.Dataset, seed: tf.Tensor, count: int, total_bytes: int
) -> tf.data.Dataset:
    """Returns examples block by block, those of a block in an order that the seed decides.

    A block is as many as take about 128 MB; two or three are in memory at once, one of them being
    read. `Dataset.shuffle` would follow the global seed too.

    Args:
        examples: Encoded.
        seed: int64 `(2,)`, which may be a part of the graph.
        count: How many they are.
        total_bytes: What they take together.
    """
    size = max(1, min(count, count * _BLOCK_BYTES // max(total_bytes, 1)))

    def in_order_of_seed(number: tf.Tensor, *block: tf.Tensor) -> tf.data.Dataset:
        own = tf.random.fold_in(seed, number, alg="philox")
        places = tf.range(tf.shape(block[0])[0])
        order = tf.random.experimental.stateless_shuffle(places, own, alg="philox")
        picked = tf.data.Dataset.from_tensor_slices(order)
        return picked.map(lambda place: tuple(part[place] for part in block))

    read_ahead = examples.batch(size).prefetch(1)
    blocks = tf.data.Dataset.zip((tf.data.Dataset.range(count), read_ahead))
    return blocks.flat_map(lambda number, block: in_order_of_seed(number, *block))


Split: TypeAlias = Sequence[Pair] | ExampleStream


def sizes_of(split: Split) -> list[tuple[int, int]]:
    """Returns height and width of each image of a split as it is to be seen."""
    return split.sizes if isinstance(split, ExampleStream) else image_sizes(split)


def names_of_split(split: Split) -> list[str]:
    """Returns the file name of each image of a split, in order."""
    if isinstance(split, ExampleStream):
        names = split.in_order().map(lambda name, image, label: name)
        return [name.decode() for name in names.as_numpy_iterator()]
    return [pair.image.name for pair in split]


def fingerprint_of_split(split: Split) -> str:
    """Returns what changes with anything that is in a split."""
    return split.fingerprint if isinstance(split, ExampleStream) else fingerprint(split)


class Checked(NamedTuple):
    """What of a split can be used.

    Attributes:
        split: That.
        skipped: Of each example that is skipped why.
        absent: The names of the classes that no label map holds, as far as that is known.
    """

    split: Split
    skipped: list[str]
    absent: list[str]


def checked(split: Split, labels: LabelSet, on_error: OnError) -> Checked:
    """Returns what of a split can be used.

    Args:
        split: Any pairs; or a stream, which was checked when it was made.
        labels: The classes and the void label that the label maps may hold.
        on_error: As for `check_pairs`.

    Raises:
        KerassegError: If examples cannot be used.
    """
    if isinstance(split, ExampleStream):
        return Checked(split, split.skipped, [])
    return Checked(*sift(split, labels, on_error=on_error))


def check_again(split: Split, labels: LabelSet) -> None:
    """Reads a whole split that was checked before and raises a `KerassegError` for what is bad."""
    if isinstance(split, ExampleStream):
        split.check()
    else:
        sift(split, labels)


def some_examples(split: Split, count: int) -> list[Example]:
    """Returns examples that are spread evenly over a split, at most `count`.

    Raises:
        OSError: If a file cannot be read.
    """
    places = np.linspace(0, len(split) - 1, min(count, len(split))).round().astype(int).tolist()
    return examples_at(split, places)


def examples_at(split: Split, places: Sequence[int]) -> list[Example]:
    """Returns the examples at some places of a split, in that order.

    Raises:
        OSError: If a file cannot be read.
    """
    if not isinstance(split, ExampleStream):
        return [load_example(split[place]) for place in places]
    in_order = sorted(set(places))
    found = dict(zip(in_order, split.examples(in_order), strict=True))
    return [found[place] for place in places]


def decoded(example: Example) -> tuple[np.ndarray, np.ndarray]:
    """Returns the pixels, uint8 `(H, W, 3)`, and the class ids, int32 `(H, W)`, of an example."""
    with tf.device("CPU"):
        contents = tf.constant(example.image), tf.constant(example.label)
        image, label = decode_pair(*contents, example.encoding)
    return image.numpy(), label.numpy()
