import numpy as np
import pytest
import tensorflow as tf

from kerasseg.data.augmentation.draws import fold, split, uniform

SEEDS = [(0, 1), (5, -3), (2**31 - 1, 7)]


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
@pytest.mark.parametrize("seed", SEEDS)
class TestTheNumbersAreTensorFlows:
    def test_uniform(self, seed, dtype):
        seed = tf.constant(seed, dtype)
        expected = tf.random.stateless_uniform((2, 5), seed, alg="philox")
        assert np.array_equal(uniform(seed, (2, 5)), expected)

    @pytest.mark.parametrize("number", [9, tf.constant(9, tf.int64)])
    def test_fold(self, seed, dtype, number):
        seed = tf.constant(seed, dtype)
        assert np.array_equal(fold(seed, number), tf.random.fold_in(seed, number, alg="philox"))

    def test_split(self, seed, dtype):
        seed = tf.constant(seed, dtype)
        assert np.array_equal(tf.stack(split(seed, 8)), tf.random.split(seed, 8, alg="philox"))
