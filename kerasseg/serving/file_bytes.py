"""Numbers and parts of an encoded file, read in the graph; a place beyond its end holds zeros."""

import tensorflow as tf

_LETTERS = [bytes([value]) for value in range(256)]


def part(contents: tf.Tensor, place: int | tf.Tensor, length: int | tf.Tensor) -> tf.Tensor:
    """Returns bytes of a file, fewer or none where it has ended.

    Args:
        contents: A scalar string.
        place: Where the part begins, int32, at least 0.
        length: How many bytes, at least 0.
    """
    return tf.strings.substr(contents, tf.minimum(place, tf.strings.length(contents)), length)


def values(contents: tf.Tensor, place: int | tf.Tensor, length: int) -> tf.Tensor:
    """Returns the values of `length` bytes, int64 `(length,)`."""
    found = tf.io.decode_raw(part(contents, place, length), tf.uint8, True, length)
    return tf.cast(found, tf.int64)


def number(found: tf.Tensor, place: int, length: int, big: bool = False) -> tf.Tensor:
    """Returns the number that stands in `length` of the values, int64; `big` endian or little."""
    factors = [256**power for power in range(length)]
    factors = factors[::-1] if big else factors
    return tf.reduce_sum(found[place : place + length] * tf.constant(factors, tf.int64))


def begins(found: tf.Tensor, letters: bytes, place: int = 0) -> tf.Tensor:
    """Returns whether these letters stand among the values."""
    return tf.reduce_all(found[place : place + len(letters)] == [*letters])


def number_text(value: tf.Tensor, length: int = 4) -> tf.Tensor:
    """Returns a number as the bytes that a little-endian file holds, a scalar string."""
    shifts = tf.range(0, 8 * length, 8)
    digits = tf.bitwise.bitwise_and(tf.bitwise.right_shift(tf.cast(value, tf.int32), shifts), 255)
    return tf.strings.reduce_join(tf.gather(tf.constant(_LETTERS), digits))
