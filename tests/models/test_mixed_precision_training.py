"""A fit and a predict under each policy of mixed precision, over backbones with batch norm."""

import keras
import numpy as np
import pytest

from kerasseg import DilatedFCN, EfficientFCN, LightWeightRefineNet, RefineNet
from tests import tiny
from tests.calibration import calibrate
from tests.models.model_case import (
    NUM_CLASSES,
    POLICIES,
    assert_fit_trains_every_kernel,
    random_images,
)
from tests.models.test_dilated_fcn import OPTIONS as DILATED_FCN
from tests.models.test_efficientfcn import OPTIONS as EFFICIENTFCN
from tests.models.test_light_weight_refinenet import OPTIONS as LIGHT_WEIGHT_REFINENET
from tests.models.test_refinenet import OPTIONS as REFINENET

architectures = pytest.mark.parametrize(
    ("build", "options"),
    [
        (RefineNet, REFINENET),
        (LightWeightRefineNet, LIGHT_WEIGHT_REFINENET),
        (EfficientFCN, EFFICIENTFCN),
        (DilatedFCN, DILATED_FCN),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
policies = pytest.mark.parametrize("policy", POLICIES)


def dilated() -> keras.Model:
    """Returns maps at strides 4, 8, 8 and 8, each of a conv with batch norm."""
    pixels = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 64, -2, dtype="float32")(pixels)
    maps = []
    for channels, stride, dilation in ((4, 4, 1), (6, 2, 1), (8, 1, 2), (10, 1, 4)):
        conv = keras.layers.Conv2D(channels, 5, stride, "same", dilation_rate=dilation)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.8)(conv(x)))
        maps.append(x)
    return keras.Model(pixels, maps, name="dilated")


def model_of(build, options) -> keras.Model:
    if build is DilatedFCN:
        return build(dilated(), NUM_CLASSES, **options)
    with tiny.tiny_backbone():
        return build("tiny", NUM_CLASSES, backbone_weights=None, **options)


@pytest.mark.slow
@policies
@architectures
def test_fit_trains_every_kernel(build, options, policy):
    keras.config.set_dtype_policy(policy)
    model = model_of(build, options)
    assert_fit_trains_every_kernel(model, run_eagerly=True)
    # Gradients of float16 would underflow without a scale of the loss.
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")


@pytest.mark.slow
@policies
@architectures
def test_predict_gives_float32_logits_near_those_of_float32(build, options, policy):
    exact = model_of(build, options)
    calibrate(exact, random_images(4, 64, 64, seed=1))
    keras.config.set_dtype_policy(policy)
    mixed = model_of(build, options)
    mixed.set_weights(exact.get_weights())
    images = random_images(2, 45, 70)
    logits = mixed.predict(images, verbose=0)
    assert logits.shape == (2, 45, 70, NUM_CLASSES)
    assert logits.dtype == np.float32
    assert np.corrcoef(np.ravel(logits), np.ravel(exact(images)))[0, 1] > 0.9
