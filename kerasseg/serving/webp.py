"""WebP (RFC 9649) to pixels: with transparency, and of an animation the first frame.

TensorFlow's decoder gives three channels of an opaque file alone, and of an animation it writes
beyond its own memory. It never sees one here: the first frame is given to it as a still picture.
"""

import tensorflow as tf

from kerasseg.serving.file_bytes import begins, number, number_text, part, values

_ANIMATED = 0x02  # of the flags
_FIRST_CHUNK, _CHUNK_HEAD, _FRAME_HEAD = 12, 8, 16  # bytes
_MOST_CHUNKS = 1000
_EXTENDED = b"VP8X\x0a\0\0\0\x10\0\0\0"  # ten bytes, the flag of transparency alone


def decode_webp(contents: tf.Tensor) -> tf.Tensor:
    """Returns the pixels of a WebP, uint8 `(H, W, 3)`: their colours, however transparent.

    What the first frame of an animation leaves of the canvas is black.

    Args:
        contents: A scalar string: a WebP.

    Raises:
        tf.errors.InvalidArgumentError: If it cannot be decoded.
    """
    head = values(contents, 0, 32)
    flags = tf.bitwise.bitwise_and(head[20], _ANIMATED)
    animated = begins(head, b"VP8X", _FIRST_CHUNK) & (flags != 0)
    pixels = tf.cond(animated, lambda: _first_frame(contents, head), lambda: _still(contents))
    return tf.ensure_shape(pixels, (None, None, 3))


def _still(contents: tf.Tensor) -> tf.Tensor:
    # As many channels as the file has: any other number is an error.
    pixels = tf.io.decode_image(contents, channels=0, expand_animations=False)
    return tf.ensure_shape(pixels, (None, None, None))[..., :3]


def _first_frame(contents: tf.Tensor, head: tf.Tensor) -> tf.Tensor:
    place = _frame_place(contents)
    frame = values(contents, place + _CHUNK_HEAD, _FRAME_HEAD)
    length = number(values(contents, place + 4, 4), 0, 4)
    length = tf.cast(tf.minimum(length, tf.int32.max), tf.int32)
    data = part(contents, place + _CHUNK_HEAD + _FRAME_HEAD, tf.maximum(length - _FRAME_HEAD, 0))
    sides = part(contents, place + _CHUNK_HEAD + 6, 6)
    body = tf.strings.join([b"WEBP", _EXTENDED, sides, data])
    pixels = _still(tf.strings.join([b"RIFF", number_text(tf.strings.length(body)), body]))
    canvas = tf.stack([number(head, 27, 3) + 1, number(head, 24, 3) + 1])
    before = tf.stack([number(frame, 3, 3) * 2, number(frame, 0, 3) * 2])
    return _placed(pixels, canvas, before)


def _placed(pixels: tf.Tensor, canvas: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
    # A frame beyond its canvas leaves less than nothing around it, which no padding takes.
    behind = canvas - before - tf.shape(pixels, out_type=tf.int64)[:2]
    around = tf.concat([tf.stack([before, behind], axis=1), tf.zeros((1, 2), tf.int64)], axis=0)
    return tf.pad(pixels, around)


def _frame_place(contents: tf.Tensor) -> tf.Tensor:
    """Returns where the chunk of the first frame begins, or the end of the file."""
    length = tf.strings.length(contents)

    def is_other(place: tf.Tensor) -> tf.Tensor:
        return (place < length) & (part(contents, place, 4) != b"ANMF")

    def following(place: tf.Tensor) -> tuple[tf.Tensor]:
        size = number(values(contents, place + 4, 4), 0, 4)
        behind = tf.cast(place, tf.int64) + _CHUNK_HEAD + size + size % 2
        return (tf.cast(tf.minimum(behind, tf.cast(length, tf.int64)), tf.int32),)

    start = (tf.constant(_FIRST_CHUNK),)
    (place,) = tf.while_loop(is_other, following, start, maximum_iterations=_MOST_CHUNKS)
    return place
