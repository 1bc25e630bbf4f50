"""A `keras.Model` of the user's own in place of a named backbone."""

import keras
import numpy as np
import pytest

from kerasseg import EfficientFCN, RefineNet
from tests.models.model_case import (
    assert_close,
    assert_fit_trains_every_kernel,
    random_images,
    tiny_backbone,
)
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


@pytest.mark.parametrize("size", [(33, 47), (16, 70)])
def test_takes_images_of_any_size(build, backbone, size):
    assert build(backbone)(random_images(2, *size)).shape == (2, *size, 5)


def test_predicts_batches_of_varying_size_one_after_the_other(build, backbone):
    model = build(backbone)
    for size in ((1, 33, 47), (3, 40, 31), (2, 16, 70)):
        images = random_images(*size)
        assert_close(model.predict(images, verbose=0), model(images))


def test_fit_compiled_on_batches_of_varying_size(build, backbone):
    assert_fit_trains_every_kernel(build(backbone))


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_weights_round_trip(build, backbone, tmp_path, suffix):
    model = build(backbone)
    (model.save if suffix == ".keras" else model.save_weights)(tmp_path / f"saved{suffix}")
    again = build(tiny_backbone(), weights=tmp_path / f"saved{suffix}")
    images = random_images(1, 33, 47)
    assert np.array_equal(again(images), model(images))


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


def test_is_saved_with_the_model(build, backbone, tmp_path):
    model = build(backbone)
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    images = random_images(1, 33, 47)
    assert np.array_equal(reloaded(images), model(images))


def test_its_weights_are_kept(build, backbone):
    before = [weight.numpy() for weight in backbone.weights]
    build(backbone)
    for weight, old in zip(backbone.weights, before, strict=True):
        assert np.array_equal(weight, old)


def test_a_static_shape_equals_an_unknown_one(build, backbone):
    static, dynamic = build(backbone, input_shape=(40, 16, 3)), build(backbone)
    dynamic.set_weights(static.get_weights())
    images = random_images(1, 40, 16)
    assert static.output_shape == (None, 40, 16, 5)
    assert_close(static(images), dynamic(images))


def test_of_a_fixed_size_it_takes_that_size(build):
    backbone = tiny_backbone((64, 96))
    assert build(backbone, input_shape=(64, 96, 3)).output_shape == (None, 64, 96, 5)
    with pytest.raises(ValueError, match="64, 96"):
        build(backbone, input_shape=(64, 64, 3))
