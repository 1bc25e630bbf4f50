import itertools

import keras
import numpy as np
from PIL import Image

from kerasseg.evaluation.report.report import unique, write_report
from kerasseg.run import Run, RunDescription
from tests.data.files import LABELS, write_folder
from tests.test_run import VALUES


def test_names_that_repeat_get_numbers():
    names = ["0000103.jpg", "a/one.png", "0000103.jpg", "one.jpg", "one-2.png", "0000103.jpg"]
    found = unique(names)
    assert found[:4] == ["0000103.jpg", "one.png", "0000103-2.jpg", "one-2.jpg"]
    assert found[4:] == ["one-2-2.png", "0000103-3.jpg"]
    assert all(
        one.rpartition(".")[0] != other.rpartition(".")[0]
        for one, other in itertools.combinations(found, 2)
    )


def test_images_of_one_name_all_have_their_picture(tmp_path):
    pairs = [
        pair
        for scene in ("kitchen", "bath", "hall")
        for pair in write_folder(tmp_path / scene, [(32, 40)], suffix=".jpg")
    ]
    pixels = keras.Input((None, None, 3))
    model = keras.Model(pixels, keras.layers.Conv2D(3, 1)(pixels))
    run = Run(tmp_path / "run")
    run.describe(RunDescription.model_validate(VALUES))
    write_report(run, model, pairs, LABELS, num_pictures=3, facts={})
    for folder, suffix in (("pictures", "png"), ("samples", "jpg")):
        names = sorted(path.name for path in (tmp_path / "run" / folder).iterdir())
        assert names == [f"{name}.{suffix}" for name in ("000-2", "000-3", "000")]
    assert np.asarray(Image.open(tmp_path / "run" / "samples" / "000-3.jpg")).shape == (32, 40, 3)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "The worst images" in page
    assert "EfficientFCN" in page
