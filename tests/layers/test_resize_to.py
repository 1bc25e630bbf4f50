import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasseg.layers import ResizeTo
from tests.layers.numpy_statements import normal, resize

sides = st.integers(1, 12)


@settings(max_examples=40, deadline=None)
@given(h=sides, w=sides, out_h=sides, out_w=sides, align_corners=st.booleans())
def test_equals_a_plain_statement_of_bilinear_sampling(h, w, out_h, out_w, align_corners):
    x = normal(0, 2, h, w, 3)
    resized = ResizeTo(align_corners)(x, np.zeros((2, out_h, out_w, 1)))
    np.testing.assert_allclose(resized, resize(x, (out_h, out_w), align_corners), atol=1e-5)


def test_is_tensorflows_own_resize_by_default():
    x = normal(0, 2, 5, 7, 3)
    resized = ResizeTo()(x, np.zeros((2, 11, 4, 1)))
    assert np.array_equal(resized, tf.image.resize(x, (11, 4)))


def test_aligned_corners_stay():
    x = normal(0, 1, 4, 5, 2)
    resized = ResizeTo(align_corners=True)(x, np.zeros((1, 9, 23, 1))).numpy()
    corners = np.ix_([0], [0, -1], [0, -1], range(2))
    np.testing.assert_allclose(resized[corners], x[corners], rtol=1e-6)


@pytest.mark.parametrize("align_corners", [False, True])
def test_equal_size_returns_the_same_values(align_corners):
    x = normal(0, 1, 4, 5, 2)
    assert np.array_equal(ResizeTo(align_corners)(x, x), x)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_interpolates_in_float32_and_returns_the_compute_dtype(policy, align_corners):
    x = tf.cast(normal(0, 1, 5, 6, 2), policy.removeprefix("mixed_"))
    layer = ResizeTo(align_corners, dtype=policy)
    resized = layer(x, np.zeros((1, 11, 13, 1)))
    assert resized.dtype == layer.compute_dtype
    exact = ResizeTo(align_corners)(tf.cast(x, tf.float32), np.zeros((1, 11, 13, 1)))
    assert np.array_equal(resized, tf.cast(exact, resized.dtype))


def test_integer_maps_become_the_compute_dtype_at_any_size():
    x = np.arange(12, dtype=np.uint8).reshape(1, 3, 4, 1)
    assert ResizeTo()(x, x).dtype == tf.float32
    assert ResizeTo()(x, np.zeros((1, 5, 5, 1))).dtype == tf.float32


@pytest.mark.parametrize("align_corners", [False, True])
def test_sizes_are_read_when_the_graph_runs(align_corners):
    layer = ResizeTo(align_corners)
    resize_any = tf.function(
        layer.__call__, input_signature=[tf.TensorSpec([None, None, None, 2])] * 2
    )
    for size in ((3, 4), (7, 2), (1, 1)):
        x = normal(1, 1, 5, 6, 2)
        expected = resize(x, size, align_corners)
        np.testing.assert_allclose(resize_any(x, np.zeros((1, *size, 2))), expected, atol=1e-5)


def test_symbolic_shape_takes_the_size_of_the_reference():
    x = keras.Input((None, None, 3))
    assert ResizeTo()(x, keras.Input((None, 9, 1))).shape == (None, None, 9, 3)
    assert ResizeTo()(x, keras.Input((8, 9, 1))).shape == (None, 8, 9, 3)
