"""The first frame of a GIF (GIF89a, CompuServe 1990), without the frames that follow it.

TensorFlow's decoder makes room for every frame of a file before it gives the first: a few hundred
bytes may promise gigapixels behind a first frame of one.
"""

from typing import NamedTuple

import tensorflow as tf

from kerasseg.serving.file_bytes import number, part, values

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, b"\x3b"
_BETWEEN, _IN_EXTENSION, _IN_IMAGE, _DONE, _BROKEN = range(5)
_FULL = 255  # the length of nearly all blocks that encoders write
_AT_ONCE = 64  # as many full blocks are passed over in one step
_MOST_STEPS = 5000  # some tenths of a second; tiny blocks alone would take minutes
_SCREEN = 13  # bytes of signature and screen


class GifFrame(NamedTuple):
    """Where the first frame stands, int32.

    Attributes:
        start: Its first byte; -1 if none was found.
        end: The byte behind its last; -1 if that was not found.
    """

    start: tf.Tensor
    end: tf.Tensor


def decode_gif(contents: tf.Tensor) -> tf.Tensor:
    """Returns the first frame on the screen of the GIF, uint8 `(H, W, 3)`.

    What the frame leaves clear, its transparent pixels and the screen around it, is black.

    Args:
        contents: A scalar string: a GIF.

    Raises:
        tf.errors.InvalidArgumentError: If it cannot be decoded.
    """
    end = find_first_frame(contents).end
    alone = tf.strings.join([part(contents, 0, tf.maximum(end, 0)), _TRAILER])
    pixels = tf.io.decode_image(alone, channels=3, expand_animations=False)
    return tf.ensure_shape(pixels, (None, None, 3))


def find_first_frame(contents: tf.Tensor) -> GifFrame:
    """Returns where the first frame of a GIF stands: behind the colours and the extensions."""
    length = tf.strings.length(contents)

    def goes_on(place: tf.Tensor, state: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
        return (state < _DONE) & (place < length)

    def step(place: tf.Tensor, state: tf.Tensor, start: tf.Tensor) -> tuple[tf.Tensor, ...]:
        found = tf.cond(
            state == _BETWEEN,
            lambda: _begun(contents, place),
            lambda: _passed(contents, place, state),
        )
        return *found, tf.where((state == _BETWEEN) & (found[1] == _IN_IMAGE), place, start)

    first = _SCREEN + _colours(values(contents, 10, 1)[0])
    at_start = first, tf.constant(_BETWEEN), tf.constant(-1)
    place, state, start = tf.while_loop(goes_on, step, at_start, maximum_iterations=_MOST_STEPS)
    # Where the file is cut short within the frame, there is none behind it.
    known = (state == _DONE) | ((state == _IN_IMAGE) & (place >= length))
    return GifFrame(start, tf.where(known, tf.minimum(place, length), -1))


def _begun(contents: tf.Tensor, place: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns place and state behind the head of an extension or of an image."""
    head = values(contents, place, 10)
    is_image = head[0] == _IMAGE
    # Nine bytes more, a table of colours, and a byte before the blocks; or a label.
    behind = tf.where(is_image, 11 + _colours(head[9]), 2)
    other = tf.where(head[0] == _EXTENSION, _IN_EXTENSION, _BROKEN)
    return place + behind, tf.where(is_image, _IN_IMAGE, other)


def _passed(contents: tf.Tensor, place: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns place and state behind some blocks, each its length and so many bytes."""
    lengths = values(contents, place, _AT_ONCE * (_FULL + 1))[:: _FULL + 1]
    full = tf.reduce_sum(tf.math.cumprod(tf.cast(lengths == _FULL, tf.int32)))
    place += full * (_FULL + 1)
    length = tf.cast(values(contents, place, 1)[0], tf.int32)
    behind = tf.where(state == _IN_IMAGE, _DONE, _BETWEEN)
    return place + length + 1, tf.where(length == 0, behind, state)


def _colours(flags: tf.Tensor) -> tf.Tensor:
    """Returns the bytes of a table of colours, int32."""
    flags = tf.cast(flags, tf.int32)
    return tf.where(flags >= 128, 3 * tf.bitwise.left_shift(2, tf.bitwise.bitwise_and(flags, 7)), 0)


def gif_size(contents: tf.Tensor) -> tf.Tensor:
    """Returns the larger of screen and first frame, height and width, int64 `(2,)`.

    Either may be what a decoder makes room for.
    """
    start = find_first_frame(contents).start
    screen, frame = values(contents, 6, 4), values(contents, tf.maximum(start, 0) + 5, 4)
    sides = [tf.stack([number(each, 2, 2), number(each, 0, 2)]) for each in (screen, frame)]
    return tf.where(start >= 0, tf.maximum(*sides), sides[0])
