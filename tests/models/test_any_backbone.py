"""A whole model over each family of backbones takes every size, however it is called."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import EfficientFCN
from tests.backbones.families import FAMILIES
from tests.calibration import calibrate
from tests.models.model_case import ANY_SIZE, assert_close, random_images

SIZES = ((1, 1), (31, 31), (33, 47), (97, 161))
LARGE = {"resnet50": ((16, 16), (500, 375), (32, 1000))}
RELOADED = ((1, 1), (33, 47))


@pytest.mark.slow
@pytest.mark.parametrize("backbone", FAMILIES)
def test_every_size_in_a_graph_and_reloaded(backbone, tmp_path):
    model = EfficientFCN(
        backbone,
        5,
        backbone_weights=None,
        num_codewords=4,
        fusion_filters=8,
        codeword_filters=8,
    )
    # On smaller noise the coarsest maps have so few positions that the networks which scale their
    # channels blow rounding up: an EfficientNet's logits then move by 1 % with a pixel's last bit.
    calibrate(model, random_images(2, 160, 160, seed=1))
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    graph = tf.function(model, input_signature=[ANY_SIZE])
    for size in (*SIZES, *LARGE.get(backbone, ())):
        images = random_images(1, *size)
        logits = model(images)
        assert logits.shape == (1, *size, 5)
        assert np.isfinite(logits).all()
        assert_close(graph(images), logits)
        if size in RELOADED:
            assert np.array_equal(reloaded(images), logits)
