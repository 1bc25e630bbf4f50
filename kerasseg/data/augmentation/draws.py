"""Random numbers that are functions of a seed alone.

They are those of `tf.random.stateless_uniform`, `fold_in` and `split` with `alg="philox"`, in
two or three operations where those take twenty: in a graph of small draws that is what costs.
"""

from collections.abc import Sequence

import tensorflow as tf

_PHILOX = 1  # `tf.random.Algorithm.PHILOX`, the same numbers on every device


def uniform(seed: tf.Tensor, shape: Sequence[int | tf.Tensor] = ()) -> tf.Tensor:
    """Returns numbers drawn evenly from [0, 1), float32."""
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    return tf.raw_ops.StatelessRandomUniformV2(
        shape=tf.convert_to_tensor(shape, tf.int32), key=key, counter=counter, alg=_PHILOX
    )


def fold(seed: tf.Tensor, number: int | tf.Tensor) -> tf.Tensor:
    """Returns another seed, for draws that do not depend on those of `seed`."""
    number = tf.convert_to_tensor(number)
    return tf.stack([_whole_numbers(seed, (), number.dtype), number])


def split(seed: tf.Tensor, count: int) -> list[tf.Tensor]:
    """Returns so many other seeds, for draws that do not depend on one another."""
    seed = tf.convert_to_tensor(seed)
    return tf.unstack(_whole_numbers(seed, (count, 2), seed.dtype))


def _whole_numbers(seed: tf.Tensor, shape: Sequence[int], dtype: tf.DType) -> tf.Tensor:
    """Returns numbers drawn evenly from all that a dtype has."""
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    return tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=tf.constant(shape, tf.int32), key=key, counter=counter, alg=_PHILOX, dtype=dtype
    )


def between(draw: tf.Tensor, limits: tuple[float, float]) -> tf.Tensor:
    """Returns a number between two limits for a draw within [0, 1)."""
    return limits[0] + draw * (limits[1] - limits[0])


def place(draw: tf.Tensor, room: tf.Tensor) -> tf.Tensor:
    """Returns a whole number within 0..room, int32, for a draw within [0, 1)."""
    return tf.minimum(tf.cast(draw * tf.cast(room + 1, tf.float32), tf.int32), room)


def rounded(values: tf.Tensor, dtype: tf.DType = tf.int32) -> tf.Tensor:
    """Returns the nearest whole numbers."""
    return tf.cast(tf.round(values), dtype)
