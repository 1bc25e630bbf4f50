"""Files to tensors: image and label files decoded by TensorFlow."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from kerasseg.data.decoding import decode_pair, decode_window, label_of_image
from kerasseg.data.headers import stored
from kerasseg.data.label_encoding import CLASS_IDS, LabelEncoding
from kerasseg.data.pair import Pair, refuse_problems
from kerasseg.errors import KerassegError


def read_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Returns the image, uint8 `(H, W, 3)`, and the label map, int32 `(H, W)`, as NumPy arrays.

    Args:
        pair: An image file and its label map.

    Raises:
        KerassegError: If one of the files could not be converted.
        tf.errors.OpError: If a file is missing or cannot be decoded; `check_pairs` says what is
            wrong with it.

    Example:
        >>> from kerasseg.data import find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "val")
        >>> image, label = read_pair(pairs[0])
        >>> image.dtype, label.dtype, image.shape == (*label.shape, 3)
        (dtype('uint8'), dtype('int32'), True)
    """
    refuse_problems([pair])
    with tf.device("CPU"):
        contents = tf.io.read_file(str(pair.image)), tf.io.read_file(str(pair.label))
        image, label = decode_pair(*contents, pair.encoding)
    return image.numpy(), label.numpy()


def paths(pairs: Sequence[Pair]) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the paths of the images and of the label maps, two string tensors `(N,)`.

    Raises:
        KerassegError: If a file could not be converted.
    """
    refuse_problems(pairs)
    images = tf.constant([str(pair.image) for pair in pairs], tf.string)
    return images, tf.constant([str(pair.label) for pair in pairs], tf.string)


def _file(names: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    return tf.io.read_file(tf.gather(names, index))


def reader(pairs: Sequence[Pair]) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """Returns a function from an index (int64 scalar) to image and label map.

    Raises:
        KerassegError: If the pairs store their labels in different ways.
        OSError: If the header of a file cannot be read.
    """
    images, maps = paths(pairs)
    encoding, known = encoding_of(pairs), stored(pairs)

    def read(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        contents = _file(images, index), _file(maps, index)
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
        image, label = _file(images, index), _file(maps, index)
        ids = label_of_image(image, label, encoding, known)
        return lambda start, size: decode_window(image, start, size, known), ids

    return read


def image_windows(pairs: Sequence[Pair]) -> Callable[[tf.Tensor], WindowReader]:
    """Returns a function from an index (int64 scalar) to an image by windows alone.

    Raises:
        OSError: If the header of a file cannot be read.
    """
    images, known = paths(pairs)[0], stored(pairs)

    def read(index: tf.Tensor) -> WindowReader:
        image = _file(images, index)
        return lambda start, size: decode_window(image, start, size, known)

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
