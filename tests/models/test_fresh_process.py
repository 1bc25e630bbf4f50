"""A saved model is loaded by a process that has done nothing but `import kerasseg`."""

import numpy as np
import pytest

from kerasseg import DilatedFCN, EfficientFCN, LightWeightRefineNet, RefineNet
from tests.models.model_case import random_images, shared_model, tiny_backbone
from tests.models.test_dilated_fcn import OPTIONS as DILATED_OPTIONS
from tests.models.test_dilated_fcn import dilated_backbone
from tests.models.test_efficientfcn import OPTIONS as EFFICIENTFCN_OPTIONS
from tests.models.test_light_weight_refinenet import OPTIONS as LIGHT_WEIGHT_OPTIONS
from tests.models.test_refinenet import OPTIONS as REFINENET_OPTIONS
from tests.processes import run_python

PROGRAM = """
import sys
import kerasseg
import keras, numpy as np
images = np.load("images.npy")
for name in sys.argv[1:]:
    np.save(name + ".found.npy", keras.models.load_model(name + ".keras")(images))
"""


@pytest.mark.slow
def test_gives_exactly_the_same(tmp_path):
    models = {
        "refinenet": shared_model(RefineNet, **REFINENET_OPTIONS),
        "efficientfcn": shared_model(EfficientFCN, **EFFICIENTFCN_OPTIONS),
        "light_weight_refinenet": shared_model(LightWeightRefineNet, **LIGHT_WEIGHT_OPTIONS),
        "dilated_fcn": DilatedFCN(dilated_backbone(), 5, **DILATED_OPTIONS),
        "two_scales": RefineNet(
            tiny_backbone(), 5, scales=(1.2, 0.6), rematerialize=True, **REFINENET_OPTIONS
        ),
    }
    images = random_images(1, 33, 47)
    np.save(tmp_path / "images.npy", images)
    for name, model in models.items():
        model.save(tmp_path / f"{name}.keras")
    run_python("-c", PROGRAM, *models, cwd=tmp_path)
    for name, model in models.items():
        assert np.array_equal(np.load(tmp_path / f"{name}.found.npy"), model(images))
