"""Images whose colours tell their labels, and what every operation has to be."""

import numpy as np
import tensorflow as tf
from hypothesis import settings
from hypothesis import strategies as st

from kerasseg.data.augmentation import FILL_COLOUR
from tests.data.files import random_label

VOID = 255
COLOURS = np.array([[250, 10, 10], [10, 250, 10], [10, 10, 250], *[[0, 0, 0]] * 252, FILL_COLOUR])

sides = st.integers(8, 90)
sizes = st.tuples(sides, sides)
seeds = st.tuples(st.integers(0, 2**31), st.integers(0, 2**31))
quick = settings(max_examples=40, deadline=None)


def example(size, seed=0):
    """Returns an image of the colours of its classes and void, and the label map."""
    label = random_label(np.random.default_rng(seed), size)
    return COLOURS[label].astype(np.float32), label


def photo(size, seed=0):
    """Returns an image of smooth random colours, float32."""
    coarse = np.random.default_rng(seed).uniform(20, 235, (1, 5, 6, 3))
    return tf.image.resize(coarse, size)[0].numpy()


def batch(count, size):
    """Returns images of the colours of their classes and void, and the label maps."""
    return tuple(
        np.stack(part) for part in zip(*(example(size, n) for n in range(count)), strict=True)
    )


def both_ways(change, *parts, seeds=3, levels=0):
    """Changes tensors by some seeds eagerly and inside `map`, and asserts that it is the same.

    Labels have to be equal, images (float32) within so many grey levels: none, but for colour.
    Returns the results, one a seed.
    """
    tensors = [tf.constant(part) for part in parts]

    def changed(number):
        return change(*tensors, tf.stack([number, 7]))

    mapped = list(tf.data.Dataset.range(seeds).map(changed, num_parallel_calls=2))
    eager = [changed(tf.constant(number, tf.int64)) for number in range(seeds)]
    for one, other in zip(tf.nest.flatten(eager), tf.nest.flatten(mapped), strict=True):
        assert one.dtype == other.dtype
        if one.dtype == tf.float32:
            assert np.abs(one - other).max() <= levels
        else:
            assert np.array_equal(one, other)
    return tf.nest.map_structure(lambda part: part.numpy(), eager)
