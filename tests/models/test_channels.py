"""Images of other than three channels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import EfficientFCN, RefineNet
from tests import tiny
from tests.models.test_efficientfcn import OPTIONS as EFFICIENTFCN
from tests.models.test_refinenet import OPTIONS as REFINENET


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize(
    ("build", "options"),
    [
        (RefineNet, REFINENET),
        (RefineNet, REFINENET | {"scales": (1.2, 0.6)}),
        (EfficientFCN, EFFICIENTFCN),
    ],
    ids=["RefineNet", "RefineNet of two scales", "EfficientFCN"],
)
def test_logits_depend_on_every_channel(build, options, channels, tmp_path):
    with tiny.tiny_backbone():
        model = build(
            "tiny", 5, input_shape=(None, None, channels), backbone_weights=None, **options
        )
    pixels = np.random.default_rng(0).integers(0, 256, (1, 33, 47, channels))
    images = tf.constant(pixels, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = model(images)
        total = tf.reduce_sum(logits[..., 0])
    assert logits.shape == (1, 33, 47, 5)
    assert np.abs(tape.gradient(total, images)).max(axis=(0, 1, 2)).all()
    model.save(tmp_path / "model.keras")
    assert np.array_equal(keras.models.load_model(tmp_path / "model.keras")(images), logits)
