import numpy as np
import pytest

from kerasseg.errors import KerassegError
from kerasseg.layers import ChainedResidualPooling
from tests.layers.graphs import count_operations
from tests.layers.numpy_statements import conv, max_pool, normal, relu


def _with_kernels(value: float, num_blocks: int, **options: str) -> ChainedResidualPooling:
    """A chain of one channel whose convs multiply by `value`."""
    layer = ChainedResidualPooling(1, num_blocks, **options)
    layer.build((None, None, None, 1))
    kernel = np.zeros((3, 3, 1, 1))
    kernel[1, 1] = value
    for block_conv in layer.convs:
        block_conv.kernel.assign(kernel)
    return layer


@pytest.mark.parametrize(("num_blocks", "kernel_size"), [(1, 3), (2, 3), (4, 3), (4, 1)])
def test_equals_the_papers_formula(num_blocks, kernel_size):
    layer = ChainedResidualPooling(4, num_blocks, kernel_size)
    x = normal(0, 2, 9, 7, 4)
    found = layer(x)
    path = expected = relu(x)
    for block_conv in layer.convs:
        path = conv(max_pool(path), block_conv.kernel.numpy())
        expected = expected + path
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_improved_pooling_pools_after_each_conv(kernel_size):
    layer = ChainedResidualPooling(4, 3, kernel_size, pooling_order="conv_pool")
    x = normal(0, 2, 9, 7, 4)
    found = layer(x)
    path = expected = relu(x)
    for block_conv in layer.convs:
        path = max_pool(conv(path, block_conv.kernel.numpy()))
        expected = expected + path
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_padding_of_improved_pooling_never_counts():
    layer = _with_kernels(-1.0, num_blocks=1, pooling_order="conv_pool")
    assert np.array_equal(layer(np.ones((1, 6, 6, 1))), np.zeros((1, 6, 6, 1)))  # 1 - 1


def test_another_pooling_order_is_an_error():
    with pytest.raises(
        KerassegError, match="unknown pooling_order 'conv_pol': did you mean 'conv_pool'"
    ):
        ChainedResidualPooling(4, pooling_order="conv_pol")


def test_padding_never_counts_where_the_path_is_negative():
    # t_1 = -1 everywhere; a pooling padded with zeros would see a 0 beyond the borders.
    output = _with_kernels(-1.0, num_blocks=2)(np.ones((1, 6, 6, 1)))
    assert np.array_equal(output, np.ones((1, 6, 6, 1)))  # 1 - 1 + 1


def test_poolings_are_chained():
    x = np.zeros((1, 11, 11, 1))
    x[0, 5, 5] = 1
    row = _with_kernels(1.0, num_blocks=2)(x)[0, 5, :, 0]
    # Parallel poolings would reach two pixels, not four.
    assert np.array_equal(row, [0, 1, 1, 2, 2, 3, 2, 2, 1, 1, 0])


@pytest.mark.parametrize("pooling_order", ["pool_conv", "conv_pool"])
def test_has_one_relu(pooling_order):
    layer = ChainedResidualPooling(4, 3, pooling_order=pooling_order)
    assert count_operations(layer, 4) == {
        "Relu": 1,
        "MaxPool": 3,
        "Conv2D": 3,
    }


def test_negative_input_is_cut_off_and_negative_paths_are_not():
    layer = _with_kernels(-1.0, num_blocks=1)
    assert np.array_equal(layer(np.full((1, 4, 4, 1), -3.0)), np.zeros((1, 4, 4, 1)))
    x = np.zeros((1, 4, 4, 1))
    x[0, 0, 0] = 1
    assert layer(x).numpy().min() == -1


def test_convs_have_no_bias():
    layer = ChainedResidualPooling(4, 2)
    layer.build((None, None, None, 4))
    assert [tuple(weight.shape) for weight in layer.weights] == [(3, 3, 4, 4)] * 2


def test_another_number_of_channels_is_an_error():
    with pytest.raises(KerassegError, match="sum needs 8 channels; the input has 4"):
        ChainedResidualPooling(8)(np.ones((1, 3, 3, 4)))
