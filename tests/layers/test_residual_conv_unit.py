import numpy as np
import pytest
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.layers import ResidualConvUnit
from tests.layers.graphs import count_operations
from tests.layers.numpy_statements import conv, normal, relu


@pytest.fixture
def unit() -> ResidualConvUnit:
    layer = ResidualConvUnit(4)
    layer.build((None, None, None, 4))
    layer.conv1.bias.assign(normal(5, 4))
    return layer


def test_equals_the_papers_formula(unit):
    x = normal(0, 2, 6, 5, 4)
    residual = conv(relu(x), unit.conv1.kernel.numpy(), unit.conv1.bias.numpy())
    expected = x + conv(relu(residual), unit.conv2.kernel.numpy())
    np.testing.assert_allclose(unit(x), expected, atol=1e-4)


@pytest.mark.parametrize("silenced", ["conv1", "conv2"])
def test_without_its_residual_it_is_exactly_the_identity(unit, silenced):
    for weight in getattr(unit, silenced).weights:
        weight.assign(tf.zeros_like(weight))
    x = normal(0, 2, 6, 5, 4)
    assert x.min() < 0
    assert np.array_equal(unit(x), x)


def test_without_its_residual_gradients_pass_untouched(unit):
    unit.conv2.kernel.assign(tf.zeros_like(unit.conv2.kernel))
    x, upstream = tf.constant(normal(0, 1, 6, 5, 4)), normal(1, 1, 6, 5, 4)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = unit(x)
    assert np.array_equal(tape.gradient(y, x, upstream), upstream)


def test_first_conv_has_a_bias_and_the_second_none(unit):
    shapes = [tuple(weight.shape) for weight in unit.weights]
    assert shapes == [(3, 3, 4, 4), (4,), (3, 3, 4, 4)]


def test_has_two_relus_and_no_batch_norm(unit):
    assert count_operations(unit, 4) == {"Relu": 2, "Conv2D": 2}


def test_leaves_its_input_alone(unit):
    x = tf.constant(normal(0, 1, 6, 5, 4))
    before = x.numpy().copy()
    unit(x)
    assert np.array_equal(x, before)


def test_another_number_of_channels_is_an_error():
    with pytest.raises(KerassegError, match="shortcut needs 8 channels; the input has 4"):
        ResidualConvUnit(8)(np.ones((1, 3, 3, 4)))
