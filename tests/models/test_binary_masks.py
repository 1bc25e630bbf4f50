"""One class and a sigmoid: the probability of a mask."""

import keras
import numpy as np
import pytest

from kerasseg import DilatedFCN, EfficientFCN, LightWeightRefineNet, RefineNet
from tests.models.model_case import random_images, tiny_backbone
from tests.models.test_dilated_fcn import OPTIONS as DILATED_OPTIONS
from tests.models.test_dilated_fcn import dilated_backbone
from tests.models.test_efficientfcn import OPTIONS as EFFICIENTFCN_OPTIONS
from tests.models.test_light_weight_refinenet import OPTIONS as LIGHT_WEIGHT_OPTIONS
from tests.models.test_refinenet import OPTIONS as REFINENET_OPTIONS

BUILDERS = [DilatedFCN, EfficientFCN, LightWeightRefineNet, RefineNet]


@pytest.fixture(params=BUILDERS, ids=lambda build: build.__name__)
def build(request):
    backbone = dilated_backbone if request.param is DilatedFCN else tiny_backbone
    options = {
        DilatedFCN: DILATED_OPTIONS,
        EfficientFCN: {**EFFICIENTFCN_OPTIONS, "num_codewords": "auto"},
        LightWeightRefineNet: LIGHT_WEIGHT_OPTIONS,
        RefineNet: REFINENET_OPTIONS,
    }[request.param]
    return lambda **more: request.param(backbone(), 1, **options, **more)


def test_sigmoid_gives_the_probability_of_the_mask(build):
    model, logits = build(activation="sigmoid"), build()
    logits.set_weights(model.get_weights())
    images = random_images(2, 33, 47)
    probability = model(images).numpy()
    assert probability.shape == (2, 33, 47, 1)
    assert probability.dtype == np.float32
    np.testing.assert_allclose(probability, 1 / (1 + np.exp(-logits(images).numpy())), atol=1e-6)


@pytest.mark.slow
def test_learns_a_mask(build):
    model = build(activation="sigmoid")
    images = random_images(2, 64, 64)
    images[:, :, :32] /= 8
    masks = np.zeros((2, 64, 64, 1))
    masks[:, :, 32:] = 1
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy())
    losses = model.fit(images, masks, epochs=6, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
