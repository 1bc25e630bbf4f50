"""An example as the bytes of one record, and back in the graph."""

import numpy as np
import tensorflow as tf

from kerasseg.data.examples import Example
from kerasseg.data.headers import GREY, png_kind

_KEYS = ("name", "image", "label")


def record_of(example: Example, ids: np.ndarray, bits: int) -> bytes:
    """Returns a record: a `tf.train.Example` of `name`, `image` and `label`.

    The image is stored as it is. The label map becomes a grey PNG of class ids, in the frame in
    which it was drawn, so that a reader turns it, or not, as it would have turned the file.

    Args:
        example: The image and the label map.
        ids: The class ids as the label map stores them, not turned, `(H, W)`.
        bits: Depth of the PNG, 8 or 16.
    """
    parts = (example.name.encode(), example.image, _canonical(example, ids, bits))
    feature = {
        key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[part]))
        for key, part in zip(_KEYS, parts, strict=True)
    }
    message = tf.train.Example(features=tf.train.Features(feature=feature))
    # The same bytes in every process, which a map has not by itself.
    return message.SerializeToString(deterministic=True)


def _canonical(example: Example, ids: np.ndarray, bits: int) -> bytes:
    if example.encoding.kind == "ids" and png_kind(example.label) == (bits, GREY):
        return example.label
    with tf.device("CPU"):
        pixels = tf.constant(ids[..., np.newaxis].astype(np.uint8 if bits == 8 else np.uint16))
        return tf.io.encode_png(pixels).numpy()


def read_record(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns file name, encoded image and encoded label map of a record, scalar strings."""
    features = {key: tf.io.FixedLenFeature((), tf.string) for key in _KEYS}
    parts = tf.io.parse_single_example(record, features)
    return parts["name"], parts["image"], parts["label"]
