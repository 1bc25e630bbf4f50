"""Random numbers that are functions of a seed alone."""

from collections.abc import Sequence

import tensorflow as tf


def uniform(seed: tf.Tensor, shape: Sequence[int | tf.Tensor] = ()) -> tf.Tensor:
    """Returns numbers drawn evenly from [0, 1), float32."""
    return tf.random.stateless_uniform(shape, seed, alg="philox")


def fold(seed: tf.Tensor, number: int) -> tf.Tensor:
    """Returns another seed, for draws that do not depend on those of `seed`."""
    return tf.random.fold_in(tf.convert_to_tensor(seed), number, alg="philox")


def between(draw: tf.Tensor, limits: tuple[float, float]) -> tf.Tensor:
    """Returns a number between two limits for a draw within [0, 1)."""
    return limits[0] + draw * (limits[1] - limits[0])


def place(draw: tf.Tensor, room: tf.Tensor) -> tf.Tensor:
    """Returns a whole number within 0..room, int32, for a draw within [0, 1)."""
    return tf.minimum(tf.cast(draw * tf.cast(room + 1, tf.float32), tf.int32), room)


def rounded(values: tf.Tensor, dtype: tf.DType = tf.int32) -> tf.Tensor:
    """Returns the nearest whole numbers."""
    return tf.cast(tf.round(values), dtype)
