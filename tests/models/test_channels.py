"""Images of other than three channels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import DilatedFCN, EfficientFCN, LightWeightRefineNet, RefineNet
from tests import tiny
from tests.models.test_dilated_fcn import OPTIONS as DILATED_FCN
from tests.models.test_efficientfcn import OPTIONS as EFFICIENTFCN
from tests.models.test_light_weight_refinenet import OPTIONS as LIGHT_WEIGHT_REFINENET
from tests.models.test_refinenet import OPTIONS as REFINENET


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 4, 6])
@pytest.mark.parametrize(
    ("build", "options"),
    [
        (RefineNet, REFINENET),
        (RefineNet, REFINENET | {"scales": (1.2, 0.6)}),
        (LightWeightRefineNet, LIGHT_WEIGHT_REFINENET),
        (EfficientFCN, EFFICIENTFCN),
    ],
    ids=["RefineNet", "RefineNet of two scales", "LightWeightRefineNet", "EfficientFCN"],
)
def test_logits_depend_on_every_channel(build, options, channels, tmp_path):
    with tiny.tiny_backbone():
        model = build(
            "tiny", 5, input_shape=(None, None, channels), backbone_weights=None, **options
        )
    logits, images = assert_every_channel_counts(model, channels)
    model.save(tmp_path / "model.keras")
    assert np.array_equal(keras.models.load_model(tmp_path / "model.keras")(images), logits)


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 4, 6])
def test_logits_of_a_dilated_resnet_depend_on_every_channel(channels):
    shape = (None, None, channels)
    model = DilatedFCN("resnet50", 5, input_shape=shape, backbone_weights=None, **DILATED_FCN)
    assert_every_channel_counts(model, channels)


def assert_every_channel_counts(model: keras.Model, channels: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Says that each channel of an image changes the logits; returns these and the image."""
    pixels = np.random.default_rng(0).integers(0, 256, (1, 33, 47, channels))
    images = tf.constant(pixels, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = model(images)
        total = tf.reduce_sum(logits[..., 0])
    assert logits.shape == (1, 33, 47, 5)
    assert np.abs(tape.gradient(total, images)).max(axis=(0, 1, 2)).all()
    return logits, images
