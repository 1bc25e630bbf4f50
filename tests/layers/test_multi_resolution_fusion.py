import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasseg.errors import KerassegError
from kerasseg.layers import MultiResolutionFusion
from tests.layers.graphs import count_operations
from tests.layers.numpy_statements import conv, normal, resize


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_convolves_then_resizes_then_sums(kernel_size, align_corners):
    layer = MultiResolutionFusion(kernel_size, align_corners)
    fine, middle, coarse = normal(0, 2, 9, 7, 4), normal(1, 2, 5, 4, 3), normal(2, 2, 3, 2, 8)
    found = layer([fine, middle, coarse])
    kernels = [path_conv.kernel.numpy() for path_conv in layer.convs]
    expected = (
        conv(fine, kernels[0])
        + resize(conv(middle, kernels[1]), (9, 7), align_corners)
        + resize(conv(coarse, kernels[2]), (9, 7), align_corners)
    )
    assert found.shape == (2, 9, 7, 3)
    np.testing.assert_allclose(found, expected, atol=1e-4)


factors = st.floats(-4, 4, width=32)


@settings(max_examples=25, deadline=None)
@given(a=factors, b=factors, seed=st.integers(0, 1000))
def test_is_linear_in_its_inputs(a, b, seed):
    def paths(seed: int) -> list[np.ndarray]:
        return [normal(seed, 1, 7, 9, 4), normal(seed + 1, 1, 4, 5, 6)]

    x, y = paths(seed), paths(seed + 2)
    combined = [a * left + b * right for left, right in zip(x, y, strict=True)]
    expected = a * LINEAR(x) + b * LINEAR(y)
    np.testing.assert_allclose(LINEAR(combined), expected, atol=5e-4)


LINEAR = MultiResolutionFusion()


def test_a_single_input_passes_untouched():
    layer = MultiResolutionFusion()
    x = normal(0, 2, 6, 5, 4)
    assert np.array_equal(layer([x]), x)
    assert layer.weights == []


def test_nothing_but_convs_touches_the_paths():
    assert count_operations(MultiResolutionFusion(), 4, 8) == {"Conv2D": 2}


def test_convs_have_no_bias_and_the_smallest_channel_count():
    layer = MultiResolutionFusion()
    layer([np.ones((1, 4, 4, 8)), np.ones((1, 2, 2, 6))])
    assert [tuple(weight.shape) for weight in layer.weights] == [(3, 3, 8, 6), (3, 3, 6, 6)]


def test_sizes_need_not_be_a_factor_of_two_apart():
    fuse = tf.function(
        MultiResolutionFusion().__call__,
        input_signature=[[tf.TensorSpec([None, None, None, 4])] * 2],
    )
    for fine, coarse in (((25, 41), (13, 21)), ((3, 5), (1, 1)), ((6, 6), (6, 6))):
        assert fuse([np.ones((1, *fine, 4)), np.ones((1, *coarse, 4))]).shape == (1, *fine, 4)


def test_symbolic_shape_is_that_of_the_finest_path():
    paths = [keras.Input((None, 9, 8)), keras.Input((None, None, 6))]
    assert MultiResolutionFusion()(paths).shape == (None, None, 9, 6)


def test_a_coarse_path_first_is_an_error():
    with pytest.raises(KerassegError, match="the finest path comes first"):
        MultiResolutionFusion()([np.ones((1, 2, 2, 4)), np.ones((1, 4, 4, 4))])
