import keras
import numpy as np
import pytest

import kerasseg
from kerasseg.errors import KerassegError
from tests.models.model_case import random_images, tiny_backbone
from tests.models.test_efficientfcn import OPTIONS
from tests.models.test_refinenet import OPTIONS as REFINENET_OPTIONS


@pytest.fixture(scope="module", params=["release", "paper"])
def model(request):
    keras.utils.set_random_seed(0)
    return kerasseg.EfficientFCN(tiny_backbone(), 5, variant=request.param, **OPTIONS)


@pytest.mark.parametrize(
    ("size", "grid"), [((64, 96), (2, 3)), ((97, 161), (4, 6)), ((1, 40), (1, 2))]
)
def test_weights_of_a_codeword_add_up_to_one(model, size, grid):
    maps = kerasseg.weighting_maps(model, random_images(2, *size))
    assert maps.shape == (2, *grid, OPTIONS["num_codewords"])
    assert maps.dtype == np.float32
    assert maps.min() >= 0
    np.testing.assert_allclose(maps.sum((1, 2)), 1, atol=1e-5)


def test_codebook_is_the_base_weighted_by_them(model):
    images = random_images(2, 97, 161)
    codebook = model.get_layer("codebook")
    base, found = keras.Model(model.inputs[0], [codebook.input[0], codebook.output])(images)
    maps = kerasseg.weighting_maps(model, images)
    np.testing.assert_allclose(np.einsum("nhwk,nhwc->nkc", maps, base), found, rtol=1e-3, atol=1e-5)


def test_loaded_model_gives_the_same(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = kerasseg.load(tmp_path / "model.keras")
    images = random_images(1, 97, 161).astype("uint8")
    assert np.array_equal(
        kerasseg.weighting_maps(loaded, images), kerasseg.weighting_maps(model, images)
    )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_are_float32_under_every_policy(policy):
    keras.config.set_dtype_policy(policy)
    model = kerasseg.EfficientFCN(tiny_backbone(), 5, **OPTIONS)
    maps = kerasseg.weighting_maps(model, random_images(1, 97, 161))
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps.sum((1, 2)), 1, atol=1e-5)


def test_another_architecture_is_refused():
    model = kerasseg.RefineNet(tiny_backbone(), 5, **REFINENET_OPTIONS)
    with pytest.raises(KerassegError, match="'refinenet' is no EfficientFCN: it has 0 codebooks"):
        kerasseg.weighting_maps(model, random_images(1, 64, 64))


def test_one_image_alone_is_refused(model):
    with pytest.raises(KerassegError, match=r"images are \(N, H, W, channels\); got \(64, 64, 3\)"):
        kerasseg.weighting_maps(model, random_images(1, 64, 64)[0])
