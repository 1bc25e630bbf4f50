"""Files to tensors: image and label files decoded by TensorFlow, one by one or as a data set."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from kerasseg.data import catalogue
from kerasseg.data.checking import check_pairs
from kerasseg.data.decoding import decode_pair, decode_window, label_of_image
from kerasseg.data.folder import Pair, find_pairs
from kerasseg.data.headers import stored
from kerasseg.data.label_encoding import CLASS_IDS, LabelEncoding
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet


def read_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Returns the image, uint8 `(H, W, 3)`, and the label map, int32 `(H, W)`, as NumPy arrays.

    Args:
        pair: An image file and its label map.

    Raises:
        tf.errors.OpError: If a file is missing or cannot be decoded; `check_pairs` says what is
            wrong with it.

    Example:
        >>> from kerasseg.data import shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "val")
        >>> image, label = read_pair(pairs[0])
        >>> image.dtype, label.dtype, image.shape == (*label.shape, 3)
        (dtype('uint8'), dtype('int32'), True)
    """
    with tf.device("CPU"):
        contents = tf.io.read_file(str(pair.image)), tf.io.read_file(str(pair.label))
        image, label = decode_pair(*contents, pair.encoding)
    return image.numpy(), label.numpy()


def paths(pairs: Sequence[Pair]) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the paths of the images and of the label maps, two string tensors `(N,)`."""
    images = tf.constant([str(pair.image) for pair in pairs], tf.string)
    return images, tf.constant([str(pair.label) for pair in pairs], tf.string)


def load(name: str, split: str, data_dir: str | os.PathLike[str] | None = None) -> tf.data.Dataset:
    """Returns a split of a data set of the catalogue: whole images and their label maps.

    Every file is read once and checked before.

    Args:
        name: One of `kerasseg.data.names()`.
        split: `"train"` or `"val"`.
        data_dir: Where the data set lies. `"shapes"` is generated where none is given.

    Returns:
        A data set of `(image, label)`: uint8 `(H, W, 3)` and int32 `(H, W)`, in the order of
        the names; its length is known.

    Raises:
        KerassegError: If the data set or the split is missing or a file is not as it should be.

    Example:
        >>> from kerasseg.data import shapes
        >>> folder = shapes.ensure("shapes", train=2, val=1)
        >>> train = load("shapes", "train", data_dir=folder)
        >>> len(train)
        2
    """
    labels = catalogue.describe(name)
    return dataset(find_pairs(catalogue.locate(name, data_dir), split), labels)


def load_folder(data_dir: str | os.PathLike[str], split: str, labels: LabelSet) -> tf.data.Dataset:
    """Returns a split of a folder data set of one's own: whole images and their label maps.

    Every file is read once and checked before.

    Args:
        data_dir: The directory, laid out as `find_pairs` says.
        split: The folder in it: `"train"`, `"val"`.
        labels: The classes and the void label of the label maps.

    Returns:
        A data set of `(image, label)`: uint8 `(H, W, 3)` and int32 `(H, W)`, in the order of
        the names; its length is known.

    Raises:
        KerassegError: If the split is missing or a file is not as it should be.

    Example:
        >>> from kerasseg.data import shapes
        >>> folder = shapes.ensure("my_data", train=2, val=1)
        >>> labels = LabelSet(shapes.CLASS_NAMES, ignore_label=255)
        >>> image, label = next(iter(load_folder(folder, "val", labels)))
        >>> image.dtype, label.dtype
        (tf.uint8, tf.int32)
    """
    return dataset(find_pairs(data_dir, split), labels)


def dataset(pairs: Sequence[Pair], labels: LabelSet) -> tf.data.Dataset:
    """Returns checked pairs as a data set of `(image, label)`, uint8 and int32, in their order."""
    check_pairs(pairs, labels)
    indices = tf.data.Dataset.range(len(pairs))
    return indices.map(reader(pairs), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def reader(pairs: Sequence[Pair]) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """Returns a function from an index (int64 scalar) to image and label map.

    Raises:
        KerassegError: If the pairs store their labels in different ways.
        OSError: If the header of a file cannot be read.
    """
    images, maps = paths(pairs)
    encoding, known = encoding_of(pairs), stored(pairs)

    def read(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        contents = tf.io.read_file(images[index]), tf.io.read_file(maps[index])
        return decode_pair(*contents, encoding, known)

    return read


WindowReader = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def window_reader(pairs: Sequence[Pair]) -> Callable[[tf.Tensor], tuple[WindowReader, tf.Tensor]]:
    """Returns a function from an index (int64 scalar) to an image by windows, and label map.

    The image is a function of first row and column, int32 `(2,)`, and of height and width, int32
    `(2,)`, to those pixels, uint8 `(h, w, 3)`. The label map is uint8 or int32 `(H, W)`.

    Raises:
        KerassegError: If the pairs store their labels in different ways.
        OSError: If the header of a file cannot be read.
    """
    images, maps = paths(pairs)
    encoding, known = encoding_of(pairs), stored(pairs)

    def read(index: tf.Tensor) -> tuple[WindowReader, tf.Tensor]:
        image, label = tf.io.read_file(images[index]), tf.io.read_file(maps[index])
        ids = label_of_image(image, label, encoding, known)
        return lambda start, size: decode_window(image, start, size, known), ids

    return read


def encoding_of(pairs: Sequence[Pair]) -> LabelEncoding:
    """Returns the way in which all pairs store their labels.

    Raises:
        KerassegError: If there is more than one.
    """
    encodings = {pair.encoding for pair in pairs}
    if len(encodings) > 1:
        kinds = " and ".join(sorted(encoding.kind for encoding in encodings))
        raise KerassegError(
            f"the label maps store {kinds} in one data set; give all pairs the same encoding."
        )
    return encodings.pop() if encodings else CLASS_IDS
