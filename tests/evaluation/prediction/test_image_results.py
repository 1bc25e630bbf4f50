"""What went wrong with one image, in a line."""

from pathlib import PurePosixPath

import numpy as np
import pytest
import tensorflow as tf

from kerasseg.evaluation import Predictor, Protocol
from kerasseg.evaluation.prediction.image_results import found_in
from kerasseg.evaluation.prediction.inputs import Input
from kerasseg.evaluation.prediction.outputs import Outputs
from tests.data.files import LABELS
from tests.evaluation.networks import random_model


@pytest.mark.parametrize(
    "error", [tf.errors.ResourceExhaustedError(None, None, "OOM"), MemoryError()], ids=["tf", "np"]
)
@pytest.mark.parametrize(
    ("protocol", "remedy"),
    [(Protocol(), "--tile 512"), (Protocol(tile=64), "a smaller --tile")],
    ids=["whole", "tiles"],
)
def test_too_little_memory_has_a_remedy(tmp_path, monkeypatch, error, protocol, remedy):
    def classes(self, images):
        raise error

    monkeypatch.setattr(Predictor, "classes", classes)
    path = tmp_path / "field.png"
    image, outputs = Input(path, PurePosixPath("field")), Outputs(tmp_path / "out", LABELS)
    pixels = np.zeros((8, 8, 3), np.uint8)
    found = found_in(Predictor(random_model(), protocol), image, pixels, outputs)
    assert found == f"{path} takes more memory than there is: say {remedy}."
