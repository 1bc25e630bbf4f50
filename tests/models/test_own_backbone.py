"""A `keras.Model` of the user's own in place of a named backbone.

Sizes, saving, precision and training over such a model: `test_small_models.py`.
"""

import keras
import numpy as np
import pytest

from kerasseg import EfficientFCN, RefineNet
from kerasseg.errors import KerassegError
from tests.models.model_case import random_images, tiny_backbone
from tests.models.test_efficientfcn import OPTIONS as EFFICIENTFCN_OPTIONS
from tests.models.test_refinenet import OPTIONS as REFINENET_OPTIONS


@pytest.fixture
def backbone() -> keras.Model:
    return tiny_backbone()


@pytest.fixture(params=["refinenet", "efficientfcn"])
def build(request):
    if request.param == "refinenet":
        return lambda backbone, **more: RefineNet(backbone, 5, **REFINENET_OPTIONS, **more)
    return lambda backbone, **more: EfficientFCN(backbone, 5, **EFFICIENTFCN_OPTIONS, **more)


def test_is_nested_as_it_is(build, backbone):
    model = build(backbone)
    assert model.get_layer("my_network") is backbone
    assert model.get_layer("upsample").input[1].shape == (None, None, None, 3)


def test_can_be_used_twice(build, backbone):
    first, second = build(backbone), build(backbone)
    images = random_images(1, 33, 47)
    before = first(images).numpy(), second(images).numpy()
    backbone.layers[-1].kernel.assign(2 * backbone.layers[-1].kernel)
    for model, old in zip((first, second), before, strict=True):
        assert not np.array_equal(model(images), old)


def test_two_models_of_one_backbone_fit_into_one(backbone):
    images = keras.Input((None, None, 3))
    averaged = keras.layers.Average()(
        [
            RefineNet(backbone, 5, **REFINENET_OPTIONS)(images),
            EfficientFCN(backbone, 5, **EFFICIENTFCN_OPTIONS)(images),
        ]
    )
    assert keras.Model(images, averaged)(random_images(1, 33, 47)).shape == (1, 33, 47, 5)


def test_its_weights_are_kept(build, backbone):
    before = [weight.numpy() for weight in backbone.weights]
    build(backbone)
    for weight, old in zip(backbone.weights, before, strict=True):
        assert np.array_equal(weight, old)


def test_of_a_fixed_size_it_takes_that_size(build):
    backbone = tiny_backbone((64, 96))
    assert build(backbone, input_shape=(64, 96, 3)).output_shape == (None, 64, 96, 5)


@pytest.mark.parametrize("shape", [(None, None, 3), (64, 64, 3), (64, None, 3), (16, 16, 3)])
def test_of_a_fixed_size_it_takes_no_other(build, shape):
    with pytest.raises(KerassegError) as error:
        build(tiny_backbone((64, 96)), input_shape=shape)
    assert str(error.value) == (
        f"the model 'my_network' takes images of (64, 96) alone, and input_shape={shape} says "
        "others: give input_shape=(64, 96, 3), or a model with an input of (None, None, channels)."
    )


def test_of_one_fixed_side_it_takes_that_side(build):
    backbone = tiny_backbone((64, None))
    assert build(backbone, input_shape=(64, None, 3)).output_shape == (None, 64, None, 5)
    with pytest.raises(KerassegError, match=r"give input_shape=\(64, None, 3\), or a model"):
        build(backbone)


def test_of_a_fixed_size_that_is_too_small_it_is_refused(build):
    with pytest.raises(KerassegError, match=r"'my_network' takes images of \(16, 64\) alone, and"):
        build(tiny_backbone((16, 64)), input_shape=(16, 64, 3))
