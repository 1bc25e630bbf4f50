"""Windows bitmaps (BITMAPINFOHEADER and its successors) to pixels.

TensorFlow's decoder takes the indices of a palette for grey values, and compressed pixels for
plain ones. Here palettes of 1, 4 and 8 bits are looked up, and what it would misread is refused.
"""

import tensorflow as tf

from kerasseg.serving.file_bytes import number, part, values

_HEAD = 66  # bytes: with the masks of the channels
_FILE_HEAD, _SHORTEST = 14, 40
_BITS = (1, 4, 8, 24, 32)
_PLAIN, _MASKED = 0, 3  # of the compressions
_MASKS = (0xFF0000, 0xFF00, 0xFF)  # of red, green and blue
_NO_FILE = ""


def decode_bitmap(contents: tf.Tensor) -> tf.Tensor:
    """Returns the pixels of a bitmap, uint8 `(H, W, 3)`: 1, 4, 8, 24 or 32 bits, uncompressed.

    Args:
        contents: A scalar string: a bitmap.

    Raises:
        tf.errors.InvalidArgumentError: If it cannot be decoded.
    """
    head = values(contents, 0, _HEAD)
    bits, compression = number(head, 28, 2), number(head, 30, 4)
    known = (number(head, _FILE_HEAD, 4) >= _SHORTEST) & tf.reduce_any(bits == [*_BITS])
    masks = [
        number(head, place, 4) == mask for place, mask in zip((54, 58, 62), _MASKS, strict=True)
    ]
    masked = (bits == 32) & (compression == _MASKED) & tf.reduce_all(masks)
    known &= (compression == _PLAIN) | masked
    contents = tf.where(known, contents, _NO_FILE)
    pixels = tf.cond(
        bits <= 8, lambda: _of_palette(contents, head, bits), lambda: _of_colours(contents)
    )
    return tf.ensure_shape(pixels, (None, None, 3))


def _of_colours(contents: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_image(contents, channels=3, expand_animations=False)


def _of_palette(contents: tf.Tensor, head: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
    width, height = number(head, 18, 4), number(head, 22, 4)
    # A negative height says that the topmost row comes first.
    downwards = height >= 2**31
    height = tf.where(downwards, 2**32 - height, height)
    stride = (width * bits + 31) // 32 * 4  # bytes
    count = tf.minimum(stride * height, tf.int32.max)
    place = tf.cast(tf.minimum(number(head, 10, 4), tf.int32.max), tf.int32)
    stored = tf.io.decode_raw(part(contents, place, tf.cast(count, tf.int32)), tf.uint8)
    # What has too few bytes for its sides does not take this shape.
    ids = _unpacked(tf.reshape(stored, tf.stack([height, stride])), bits)[:, :width]
    ids = tf.cond(downwards, lambda: ids, lambda: tf.reverse(ids, [0]))
    return tf.gather(_palette(contents, head), tf.cast(ids, tf.int32))


def _unpacked(rows: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
    """Returns the numbers that stand in rows of bytes, the highest bits first."""
    width = tf.cast(tf.clip_by_value(bits, 1, 8), tf.int32)
    shifts = tf.cast(8 - width * tf.range(1, 8 // width + 1), tf.uint8)
    largest = tf.cast(tf.bitwise.left_shift(1, width) - 1, tf.uint8)
    ids = tf.bitwise.bitwise_and(tf.bitwise.right_shift(rows[..., None], shifts), largest)
    return tf.reshape(ids, [tf.shape(rows)[0], -1])


def _palette(contents: tf.Tensor, head: tf.Tensor) -> tf.Tensor:
    """Returns 256 colours, uint8 `(256, 3)`; those that the file does not have are black."""
    start = tf.cast(tf.minimum(number(head, _FILE_HEAD, 4) + _FILE_HEAD, tf.int32.max), tf.int32)
    told = number(head, 46, 4)
    count = tf.where(told == 0, tf.int64.max, told)
    # The pixels may begin where a shorter palette ends.
    room = tf.maximum(number(head, 10, 4) - tf.cast(start, tf.int64), 0) // 4
    colours = tf.reshape(values(contents, start, 4 * 256), [256, 4])[:, 2::-1]
    there = tf.range(256, dtype=tf.int64) < tf.minimum(count, room)
    return tf.cast(tf.where(there[:, None], colours, 0), tf.uint8)
