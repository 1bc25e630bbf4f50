"""RefineNet on an image at several scales: one backbone for each, of weights of its own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import RefineNet
from kerasseg.errors import KerassegError
from kerasseg.layers import ResizeBy
from kerasseg.models.multi_scale_backbone import create
from kerasseg.training_graph import training_graph
from tests import tiny
from tests.models.model_case import random_images, tiny_backbone
from tests.models.test_refinenet import OPTIONS

ANY_SIZE = (None, None, 3)
SCALES = (1.2, 0.6)


def test_each_scale_has_a_backbone_of_its_own():
    with tiny.tiny_backbone():
        pyramid = create("tiny", ANY_SIZE, None, SCALES)
    large, small = (pyramid.get_layer(f"tiny_{label}") for label in ("1.2x", "0.6x"))
    assert pyramid.name == "tiny"
    assert len(pyramid.outputs) == 8
    assert not {id(one) for one in large.weights} & {id(one) for one in small.weights}
    kernels = [backbone.get_layer("conv0").kernel for backbone in (large, small)]
    assert not np.array_equal(*kernels)
    assert len(pyramid.weights) == 2 * len(large.weights)


def test_each_scale_sees_the_image_at_its_size():
    own = tiny_backbone()
    pyramid = create(own, ANY_SIZE, None, SCALES)
    images = random_images(2, 80, 101)
    for scale, maps in zip(SCALES, (pyramid(images)[:4], pyramid(images)[4:]), strict=True):
        for found, expected in zip(maps, own(ResizeBy(scale)(images)), strict=True):
            assert np.array_equal(found, expected)


def test_a_model_of_ones_own_serves_the_first_scale_and_its_copies_the_others():
    own = tiny_backbone()
    pyramid = create(own, ANY_SIZE, None, (2.0, 1.0, 0.5))
    assert pyramid.name == "my_network"
    assert pyramid.get_layer("my_network") is own
    for label in ("1x", "0.5x"):
        copy = pyramid.get_layer(f"my_network_{label}")
        pairs = list(zip(copy.weights, own.weights, strict=True))
        assert all(np.array_equal(one, other) for one, other in pairs)
        assert all(one is not other for one, other in pairs)


def test_one_scale_of_1_is_the_plain_backbone():
    own = tiny_backbone()
    assert create(own, ANY_SIZE, None, (1,)) is own
    assert create(own, ANY_SIZE, None, (0.5,)).get_layer("resize_0.5x").scale == 0.5


def test_a_weights_file_is_loaded_into_each_backbone(tmp_path):
    path = tmp_path / "mobilenetv2.weights.h5"
    network = keras.applications.MobileNetV2(include_top=False, weights=None)
    network.save_weights(path)
    pyramid = create("mobilenetv2", ANY_SIZE, path, SCALES)
    for label in ("1.2x", "0.6x"):
        backbone = pyramid.get_layer(f"mobilenetv2_{label}")
        for name in ("Conv1", "block_6_expand"):
            assert np.array_equal(backbone.get_layer(name).kernel, network.get_layer(name).kernel)


def test_trains_in_the_training_graph():
    with tiny.tiny_backbone():
        model = RefineNet("tiny", 3, backbone_weights=None, scales=SCALES, **OPTIONS)
    twin = training_graph(model, "frozen_statistics", "tiny")
    assert {id(one) for one in twin.variables} == {id(one) for one in model.variables}
    images = random_images(1, 64, 48)
    np.testing.assert_allclose(twin(images), model(images), rtol=1e-4, atol=1e-5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(twin(images, training=True) ** 2)
    kernels = [one.value for one in twin.trainable_variables if one.path.endswith("conv0/kernel")]
    assert len(kernels) == 2
    assert all(np.any(gradient) for gradient in tape.gradient(loss, kernels))


@pytest.mark.parametrize(
    "scales", [(), (0.6, 1.2), (1.0, 1.0), (0,), (-1.0,), (float("nan"),), ("1",), 1.2, "1", None]
)
def test_scales_that_cannot_be_used(scales):
    with pytest.raises(KerassegError) as error:
        RefineNet("mobilenetv2", 5, scales=scales)
    assert str(error.value) == (
        "scales are factors from 0.1 to 10 of the image's size, the largest first and each once, "
        f"such as (1.2, 0.6); received {scales!r}."
    )


def test_a_model_of_one_size_cannot_serve_several():
    with pytest.raises(KerassegError, match=r"'my_network' takes images of \(64, 96\) alone"):
        RefineNet(tiny_backbone((64, 96)), 5, scales=SCALES, input_shape=(64, 96, 3))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="subclassed")
        self.inner = tiny_backbone()

    def call(self, pixels):
        return self.inner(pixels)


def test_a_model_that_cannot_be_copied_is_an_error():
    with pytest.raises(KerassegError, match="'subclassed' cannot be copied for a second scale: "):
        RefineNet(Subclassed(), 5, scales=SCALES)
