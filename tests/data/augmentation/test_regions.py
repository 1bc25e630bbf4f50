import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from kerasseg.data.augmentation import FILL_COLOUR
from kerasseg.data.augmentation.regions import random_cutout, random_grid_mask
from tests.data.augmentation.examples import VOID, both_ways, example, quick, seeds, sizes

OPERATIONS = [random_cutout, random_grid_mask]
limits = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda pair: tuple(sorted(pair)))


def hidden(operation, size, seed, extent, probability=1.0):
    """Returns where a black image of class 1 is hidden, after a look at image and label map."""
    image, label = tf.zeros((*size, 3)), tf.ones(size, tf.uint8)
    image, label = operation(image, label, seed, probability, extent, VOID)
    assert image.dtype == tf.float32
    assert label.dtype == tf.uint8
    void = label.numpy() == VOID
    assert np.all(label.numpy()[~void] == 1)
    assert np.all(image.numpy()[void] == FILL_COLOUR)
    assert np.all(image.numpy()[~void] == 0)
    return void


@pytest.mark.parametrize("operation", OPERATIONS)
@quick
@given(sizes, seeds, limits)
def test_what_is_hidden_is_void_and_nothing_else_is(operation, size, seed, extent):
    hidden(operation, size, seed, extent)


@quick
@given(sizes, seeds, limits)
def test_a_cutout_is_a_rectangle_of_the_size_that_was_drawn(size, seed, extent):
    void = hidden(random_cutout, size, seed, extent)
    rows, columns = void.any(axis=1), void.any(axis=0)
    assert np.array_equal(void, rows[:, None] & columns[None, :])
    for part, side in zip((rows, columns), size, strict=True):
        places = np.flatnonzero(part)
        assert np.array_equal(places, np.arange(places[0], places[-1] + 1))
        assert max(1, extent[0] * side - 0.51) <= len(places) <= max(1, extent[1] * side + 0.51)


def test_a_cutout_comes_everywhere():
    seen = sum(hidden(random_cutout, (6, 6), (0, n), (0.5, 0.5)) for n in range(100))
    assert seen.min() > 0


def test_the_squares_of_a_grid_cover_the_square_of_their_ratio():
    shares = [hidden(random_grid_mask, (96, 96), (0, n), (0.5, 0.5)).mean() for n in range(40)]
    assert abs(np.mean(shares) - 0.25) < 0.05
    assert hidden(random_grid_mask, (40, 40), (0, 1), (1, 1)).all()
    assert not hidden(random_grid_mask, (40, 40), (0, 1), (0, 0)).any()


def test_grids_differ():
    grids = {hidden(random_grid_mask, (40, 40), (0, n), (0.3, 0.6)).tobytes() for n in range(10)}
    assert len(grids) == 10


@pytest.mark.parametrize("operation", OPERATIONS)
def test_it_is_the_same_inside_map(operation):
    both_ways(lambda *pair: operation(*pair, 0.8, (0.2, 0.6), VOID), *example((50, 60)), seeds=6)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_probability_is_the_share_of_the_images_that_are_changed(operation):
    changed = sum(hidden(operation, (16, 16), (0, n), (0.3, 0.6), 0.3).any() for n in range(200))
    assert 35 < changed < 85
