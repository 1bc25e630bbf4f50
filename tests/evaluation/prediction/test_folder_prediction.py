"""Decoding, predicting and writing at the same time."""

from pathlib import PurePosixPath

import numpy as np

from kerasseg.evaluation.prediction import folder_prediction
from kerasseg.evaluation.prediction.image_results import Found
from kerasseg.evaluation.prediction.inputs import Input
from kerasseg.evaluation.prediction.outputs import Outputs
from tests.data.files import LABELS
from tests.evaluation.stages import Stage

COUNT = 8


def test_images_are_decoded_and_predicted_while_one_is_written(tmp_path, monkeypatch):
    """Each stage ends only when the one before it has begun the next image, but for the last."""
    decoded, seen, written, in_memory = Stage(), Stage(), Stage(), []

    def pixels_of(image, outputs):
        decoded.begin()
        return np.zeros((4, 4, 3), np.uint8)

    def found_in(predictor, image, pixels, outputs):
        assert decoded.reaches(min(seen.begin() + 1, COUNT))
        return Found(pixels, pixels[..., 0])

    def write_results(image, found, outputs):
        number = written.begin()
        assert seen.reaches(min(number + 1, COUNT))
        in_memory.append(decoded.count - number + 1)

    for stage in (pixels_of, found_in, write_results):
        monkeypatch.setattr(folder_prediction, stage.__name__, stage)
    images = [Input(tmp_path / f"{n}.png", PurePosixPath(f"{n}")) for n in range(COUNT)]
    outcome = folder_prediction.predict_files(None, images, Outputs(tmp_path / "out", LABELS))
    assert (outcome.written, outcome.failed) == (COUNT, [])
    assert max(in_memory) <= 4  # one that is written, one that is predicted, two behind them
