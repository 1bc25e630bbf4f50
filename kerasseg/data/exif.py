"""The orientation that a camera wrote into a JPEG, by TensorFlow's operations alone.

TensorFlow's decoders leave it out. Being part of the graph, it holds in training, evaluation and
a served model alike. The format is that of the Exif standard (CIPA DC-008), tag 0x0112.
"""

import tensorflow as tf

_TAG = 0x0112
_UPRIGHT = 1
_NOWHERE = -1
_MOST_SEGMENTS = 1000  # a file of nothing but empty ones would take its reader minutes
# The head of the segment; its third and fourth bytes are a length, which may be any.
_EXIF = [0xFF, 0xE1, -1, -1, *b"Exif\x00\x00"]
# What brings each orientation upright: whether to transpose, then to turn rows, then columns.
_TURNS = (
    (False, False, False),  # 0 is no orientation
    (False, False, False),
    (False, False, True),
    (False, True, True),
    (False, True, False),
    (True, False, False),
    (True, False, True),
    (True, True, True),
    (True, True, False),
)


def orientation(contents: tf.Tensor) -> tf.Tensor:
    """Returns the orientation of an encoded image, an int32 scalar of 1..8; 1 is upright.

    Args:
        contents: A scalar string. What is no JPEG, or has no such tag, counts as upright.
    """
    start = tf.cond(
        tf.io.is_jpeg(contents), lambda: _exif_start(contents), lambda: tf.constant(_NOWHERE)
    )
    return tf.cond(start == _NOWHERE, lambda: tf.constant(_UPRIGHT), lambda: _tag(contents, start))


def _exif_start(contents: tf.Tensor) -> tf.Tensor:
    """Returns where the TIFF structure of the Exif segment begins, or `_NOWHERE`."""
    last = tf.strings.length(contents) - 10

    def head(place: tf.Tensor) -> tf.Tensor:
        begin = tf.strings.substr(contents, tf.minimum(place, last), 10)
        return tf.cast(tf.io.decode_raw(begin, tf.uint8, fixed_length=10), tf.int32)

    def is_exif(segment: tf.Tensor) -> tf.Tensor:
        return tf.reduce_all((segment == _EXIF) | (tf.constant(_EXIF) < 0))

    # Application segments (markers E0 to EF) and comments come first; Exif is one of them.
    def is_other(place: tf.Tensor, segment: tf.Tensor) -> tf.Tensor:
        marker = segment[1]
        ahead = (marker >= 0xE0) & ((marker <= 0xEF) | (marker == 0xFE))
        return (place < last) & (segment[0] == 0xFF) & ahead & ~is_exif(segment)

    def following(place: tf.Tensor, segment: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        place += 2 + segment[2] * 256 + segment[3]
        return place, head(place)

    start = tf.constant(2), head(tf.constant(2))
    place, segment = tf.while_loop(is_other, following, start, maximum_iterations=_MOST_SEGMENTS)
    return tf.where((place < last) & is_exif(segment), place + 10, _NOWHERE)


def _tag(contents: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
    """Returns the value of the orientation tag of a TIFF structure; 1 where it has none."""
    # A segment is no longer than 64 KiB.
    structure = tf.io.decode_raw(tf.strings.substr(contents, start, 1 << 16), tf.uint8)
    structure = tf.cast(tf.concat([structure, tf.zeros(4, tf.uint8)], axis=0), tf.int32)
    little_endian = structure[0] == ord("I")

    def number(places: tf.Tensor, length: int) -> tf.Tensor:
        clipped = tf.clip_by_value(places, 0, tf.size(structure) - length)
        digits = tf.gather(structure, clipped[..., tf.newaxis] + tf.range(length))
        factors = [256**power for power in range(length)]
        return tf.reduce_sum(digits * tf.where(little_endian, factors, factors[::-1]), axis=-1)

    directory = number(tf.constant(4), 4)
    entries = directory + 2 + 12 * tf.range(tf.minimum(number(directory, 2), 512))
    values = tf.boolean_mask(number(entries + 8, 2), number(entries, 2) == _TAG)
    value = tf.cond(tf.size(values) > 0, lambda: values[0], lambda: tf.constant(_UPRIGHT))
    return tf.where((value >= 1) & (value <= 8), value, _UPRIGHT)


def upright(pixels: tf.Tensor, turned: tf.Tensor) -> tf.Tensor:
    """Returns an image `(H, W, C)` or label map `(H, W)` as it is to be seen.

    Args:
        pixels: As the file stores them; any dtype, which is kept.
        turned: The orientation, an int32 scalar of 1..8.
    """
    turns = tf.constant(_TURNS)[turned]
    channels = [2] if pixels.shape.rank == 3 else []

    def turn() -> tf.Tensor:
        swapped = tf.cond(turns[0], lambda: tf.transpose(pixels, [1, 0, *channels]), lambda: pixels)
        dimensions = tf.concat([turns[1:], tf.zeros(len(channels), tf.bool)], axis=0)
        return tf.raw_ops.Reverse(tensor=swapped, dims=dimensions)

    return tf.cond(turned == _UPRIGHT, lambda: pixels, turn)
