"""`PadToMinimum` and `CropTo`, which undoes it on the logits."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasseg.layers import CropTo, PadToMinimum
from tests.layers.numpy_statements import normal

sides = st.integers(1, 12)


@settings(max_examples=25, deadline=None)
@given(h=sides, w=sides, minimum=sides)
def test_padding_repeats_the_last_row_and_column(h, w, minimum):
    x = normal(0, 2, h, w, 3)
    missing = [(0, max(0, minimum - side)) for side in (h, w)]
    expected = np.pad(x, [(0, 0), *missing, (0, 0)], mode="edge")
    assert np.array_equal(PadToMinimum(minimum)(x), expected)


@settings(max_examples=25, deadline=None)
@given(h=sides, w=sides, minimum=sides)
def test_cropping_undoes_padding(h, w, minimum):
    x = normal(0, 2, h, w, 3)
    assert np.array_equal(CropTo()(PadToMinimum(minimum)(x), x), x)


def test_sizes_are_read_when_the_graph_runs():
    pad, crop = PadToMinimum(8), CropTo()
    there_and_back = tf.function(
        lambda x: (pad(x), crop(pad(x), x)),
        input_signature=[tf.TensorSpec([None, None, None, 3])],
    )
    for size in ((3, 20), (9, 9), (1, 1)):
        x = normal(0, 2, *size, 3)
        padded, back = there_and_back(x)
        assert padded.shape == (2, max(8, size[0]), max(8, size[1]), 3)
        assert np.array_equal(back, x)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_pixels_and_logits_stay_float32_under_every_policy(policy):
    keras.config.set_dtype_policy(policy)
    x = np.full((1, 2, 2, 3), 200.7, np.float32)
    assert np.array_equal(PadToMinimum(4)(x), np.full((1, 4, 4, 3), 200.7, np.float32))
    assert CropTo()(x, x).dtype == tf.float32


def test_symbolic_shapes():
    image = keras.Input((None, 16, 3))
    padded = PadToMinimum(32)(image)
    assert padded.shape == (None, None, 32, 3)
    assert PadToMinimum(32)(keras.Input((20, 40, 3))).shape == (None, 32, 40, 3)
    assert CropTo()(padded, image).shape == (None, None, 16, 3)
