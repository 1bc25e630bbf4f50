import numpy as np
import pytest
import tensorflow as tf

from kerasseg.evaluation.metrics import class_confusions


@pytest.mark.parametrize(
    ("dtype", "void"), [(np.uint8, 255), (np.uint8, 4), (np.int64, -1), (np.int32, 4)]
)
def test_each_image_has_its_own_matrix(dtype, void):
    generator = np.random.default_rng(0)
    truth = generator.choice([0, 1, 2, 3, void], (3, 7, 5)).astype(dtype)
    classes = generator.integers(0, 4, (3, 7, 5)).astype(np.int32)
    expected = np.zeros((3, 4, 4), np.int64)
    for image, row, column in np.ndindex(truth.shape):
        if truth[image, row, column] != void:
            expected[image, truth[image, row, column], classes[image, row, column]] += 1
    found = class_confusions(truth, classes, 4, void)
    assert found.dtype == tf.int64
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("label", [4, -2])
def test_a_label_that_is_neither_class_nor_void_is_an_error(label):
    truth, classes = np.full((1, 2, 2), label), np.zeros((1, 2, 2), np.int32)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"neither a class, \[0, 4\), nor void"
    ):
        class_confusions(truth, classes, 4, 255)
