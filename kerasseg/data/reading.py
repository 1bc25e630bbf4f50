"""Files to tensors: image and label files decoded by TensorFlow, one by one or as a data set."""

import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from kerasseg.data import catalogue
from kerasseg.data.checking import check_pairs
from kerasseg.data.folder import Pair, find_pairs
from kerasseg.label_set import LabelSet


def decode_image(contents: tf.Tensor) -> tf.Tensor:
    """Returns the pixels of an encoded image, uint8 `(H, W, 3)`; one grey channel becomes three.

    Args:
        contents: A scalar string: JPEG, PNG, BMP or WebP.
    """
    image = tf.io.decode_image(contents, channels=3, expand_animations=False)
    return tf.ensure_shape(image, (None, None, 3))


def decode_label(contents: tf.Tensor) -> tf.Tensor:
    """Returns the class ids of an encoded label map, int32 `(H, W)`.

    Args:
        contents: A scalar string: a PNG of one channel and 8 or 16 bits.

    Raises:
        tf.errors.InvalidArgumentError: If the PNG has a palette or more than one channel.
    """
    # Byte 24 of a PNG is its bit depth; the decoder does not tell, and rescales the values
    # when it is asked for the other depth.
    depth = tf.strings.substr(contents, 24, 1)
    label = tf.cond(
        depth == b"\x10",
        lambda: tf.cast(tf.io.decode_png(contents, dtype=tf.uint16), tf.int32),
        lambda: tf.cast(tf.io.decode_png(contents, dtype=tf.uint8), tf.int32),
    )
    message = "a label map holds the class ids themselves: a PNG of one channel"
    with tf.control_dependencies([tf.debugging.assert_equal(tf.shape(label)[-1], 1, message)]):
        return tf.squeeze(tf.ensure_shape(label, (None, None, None)), axis=-1)


def decode_pair(image_path: tf.Tensor, label_path: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns image, uint8 `(H, W, 3)`, and label map, int32 `(H, W)`, of two paths (strings)."""
    image = decode_image(tf.io.read_file(image_path))
    label = decode_label(tf.io.read_file(label_path))
    return image, tf.ensure_shape(label, (None, None))


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
        image, label = decode_pair(str(pair.image), str(pair.label))
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
    files = tf.data.Dataset.from_tensor_slices(paths(pairs))
    return files.map(decode_pair, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
