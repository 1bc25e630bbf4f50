import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasseg.layers import ResizeBy
from tests.layers.numpy_statements import normal, resize


@pytest.mark.parametrize(
    ("side", "scale", "expected"),
    [(100, 1.2, 120), (101, 0.6, 61), (5, 0.5, 3), (3, 1 / 3, 1), (4, 1, 4), (500, 1.2, 600)],
)
def test_sides_are_rounded_halves_up(side, scale, expected):
    layer = ResizeBy(scale, minimum=1)
    assert layer(np.ones((1, side, 9, 1))).shape[1] == expected


@settings(max_examples=15, deadline=None)
@given(h=st.integers(1, 40), w=st.integers(1, 40), scale=st.floats(0.1, 3), least=st.integers(1, 9))
def test_a_size_that_is_read_is_rounded_as_one_that_is_known(h, w, scale, least):
    layer = ResizeBy(scale, minimum=least)
    images = normal(0, 1, h, w, 2)
    known, read = layer(images), _at_any_size(layer)(images)
    assert known.shape == layer.compute_output_shape(images.shape)
    assert np.array_equal(known, read)
    assert min(known.shape[1:3]) >= least
    np.testing.assert_allclose(known, resize(images, known.shape[1:3]), atol=1e-4)


def _at_any_size(layer: ResizeBy) -> tf.types.experimental.PolymorphicFunction:
    return tf.function(layer.__call__, input_signature=[tf.TensorSpec([None, None, None, 2])])


def test_a_small_image_has_at_least_32_pixels_a_side():
    assert ResizeBy(0.6)(np.ones((1, 40, 100, 3))).shape == (1, 32, 60, 3)


def test_a_scale_of_1_leaves_the_pixels_as_they_are():
    images = normal(0, 1, 33, 47, 3)
    assert np.array_equal(ResizeBy(1.0)(images), images)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_pixels_stay_float32_under_every_policy(policy):
    keras.config.set_dtype_policy(policy)
    pixels = ResizeBy(2)(np.full((1, 20, 20, 3), 200.7, np.float32))
    np.testing.assert_allclose(pixels, 200.7, rtol=1e-6)


def test_symbolic_shape():
    assert ResizeBy(0.6)(keras.Input((None, 100, 3))).shape == (None, None, 60, 3)
