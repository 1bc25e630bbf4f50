"""RefineNet on an image at several scales: one backbone for each, of weights of its own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import RefineNet
from kerasseg.errors import KerassegError
from kerasseg.experiment.training_graph import training_graph
from kerasseg.layers import ResizeBy
from kerasseg.models.freezing import backbones_of
from kerasseg.models.multi_scale_backbone import create
from tests import tiny
from tests.models.model_case import random_images, tiny_backbone
from tests.models.test_refinenet import OPTIONS

ANY_SIZE = (None, None, 3)
SCALES = (1.2, 0.6)


def backbones_at(backbone, weights, scales=SCALES) -> dict[str, keras.Model]:
    """Returns the models that `create` makes, by their names."""
    pixels = keras.Input(ANY_SIZE)
    features = create(backbone, ANY_SIZE, weights, scales)(pixels)
    assert len(features) == 4 * len(scales)
    layers = keras.Model(pixels, features).layers
    return {layer.name: layer for layer in layers if isinstance(layer, keras.Model)}


def test_each_scale_has_a_backbone_of_its_own():
    with tiny.tiny_backbone():
        found = backbones_at("tiny", None)
    assert list(found) == ["tiny_1.2x", "tiny_0.6x"]
    large, small = found.values()
    assert not {id(one) for one in large.weights} & {id(one) for one in small.weights}
    kernels = [backbone.get_layer("conv0").kernel for backbone in (large, small)]
    assert not np.array_equal(*kernels)


def test_each_scale_sees_the_image_at_its_size():
    own = tiny_backbone()
    images = random_images(2, 80, 101)
    found = create(own, ANY_SIZE, None, SCALES)(images)
    expected = [one for scale in SCALES for one in own(ResizeBy(scale)(images))]
    assert len(found) == len(expected) == 8
    assert all(map(np.array_equal, found, expected))


def test_a_model_of_ones_own_serves_the_first_scale_and_its_copies_the_others():
    own = tiny_backbone()
    found = backbones_at(own, None, (2.0, 1.0, 0.5))
    assert found.pop("my_network") is own
    assert list(found) == ["my_network_1x", "my_network_0.5x"]
    for copy in found.values():
        pairs = list(zip(copy.weights, own.weights, strict=True))
        assert all(np.array_equal(one, other) for one, other in pairs)
        assert all(one is not other for one, other in pairs)


def test_one_scale_of_1_is_the_plain_backbone():
    own = tiny_backbone()
    assert create(own, ANY_SIZE, None, (1,)) is own
    maps = create(own, ANY_SIZE, None, (0.5,))(random_images(1, 128, 64))
    assert [tuple(level.shape[1:3]) for level in maps] == [(16, 8), (8, 4), (4, 2), (2, 1)]


@pytest.mark.slow
def test_a_weights_file_is_loaded_into_each_backbone(tmp_path):
    path = tmp_path / "mobilenetv2.weights.h5"
    network = keras.applications.MobileNetV2(include_top=False, weights=None)
    network.save_weights(path)
    found = backbones_at("mobilenetv2", path)
    assert len(found) == 2
    for backbone in found.values():
        for name in ("Conv1", "block_6_expand"):
            assert np.array_equal(backbone.get_layer(name).kernel, network.get_layer(name).kernel)


def test_trains_in_the_training_graph():
    with tiny.tiny_backbone():
        model = RefineNet("tiny", 3, backbone_weights=None, scales=SCALES, **OPTIONS)
    names = [backbone.name for backbone in backbones_of(model)]
    assert names == ["tiny_1.2x", "tiny_0.6x"]
    twin = training_graph(model, "frozen_statistics", names)
    assert {id(one) for one in twin.variables} == {id(one) for one in model.variables}
    images = random_images(1, 64, 48)
    np.testing.assert_allclose(twin(images), model(images), rtol=1e-4, atol=1e-5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(twin(images, training=True) ** 2)
    kernels = [one.value for one in twin.trainable_variables if one.path.endswith("conv0/kernel")]
    assert len(kernels) == 2
    assert all(np.any(gradient) for gradient in tape.gradient(loss, kernels))


@pytest.mark.parametrize(
    "scales",
    [
        (),
        (0.6, 1.2),
        (1.0, 1.0),
        (1.2001, 1.2),
        (1.001001, 1.001),
        (0,),
        (-1.0,),
        (float("nan"),),
        ("1",),
        1.2,
        "1",
        None,
    ],
)
def test_scales_that_cannot_be_used(scales):
    with pytest.raises(KerassegError) as error:
        RefineNet("mobilenetv2", 5, scales=scales)
    assert str(error.value) == (
        "scales are factors from 0.1 to 10 of the image's size, to three digits, the largest first "
        f"and each once, such as (1.2, 0.6); received {scales!r}."
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
