"""What a run leaves."""

import json
import math

import keras
import numpy as np
import pytest
from PIL import Image

from kerasseg import EfficientFCN, data
from kerasseg.evaluation import (
    confusion_matrix,
    mean_iou,
    mean_iou_of_counts,
    read_image_counts,
)
from kerasseg.recipe import read_recipe
from kerasseg.run import Run
from tests.data.files import LABELS
from tests.tiny import REFINENET
from tests.training.runs import contents, history, weights


def score(model, data_dir):
    pairs = data.find_pairs(data_dir, "val")
    batches = data.evaluation_batches(pairs, LABELS, batch_size=2)
    return mean_iou(confusion_matrix(model, batches, LABELS))


def test_its_files(undisturbed):
    files = set(contents(undisturbed))
    assert files >= {
        "run.json",
        "recipe.toml",
        "model.keras",
        "best.keras",
        "history.csv",
        "metrics.json",
        "evaluation/validation.npz",
        "report.html",
        "pictures/000.png",
        "pictures/003.png",
        "samples/000.jpg",
        "samples/003.jpg",
        "checkpoint/epoch-3/state.json",
    }
    boards = {name for name in files if name.startswith("tensorboard/")}
    assert {name.split("/")[1] for name in boards} == {"train", "validation"}
    assert not [name for name in files if "partial" in name]


@pytest.mark.parametrize("name", ["model.keras", "best.keras"])
def test_the_model_is_the_plain_one_of_the_builder(undisturbed, name):
    model = keras.models.load_model(undisturbed / name)
    assert type(model) is type(EfficientFCN("tiny", 3, backbone_weights=None))
    assert "InTraining" not in model.to_json()
    assert not model.compiled
    assert model(np.zeros((1, 40, 50, 3), np.uint8)).shape == (1, 40, 50, 3)


def test_its_description(undisturbed, data_dir):
    description = Run.open(undisturbed).description
    assert description.labels == LABELS
    assert description.architecture == "EfficientFCN"
    assert description.recipe_hash == read_recipe(undisturbed / "recipe.toml").fingerprint
    assert description.fingerprint == {
        "train": data.fingerprint(data.find_pairs(data_dir, "train")),
        "validation": data.fingerprint(data.find_pairs(data_dir, "val")),
    }
    assert description.versions["keras"] == keras.__version__


def test_the_recipe_is_written_out(undisturbed, recipe):
    assert read_recipe(undisturbed / "recipe.toml") == read_recipe(recipe)


def test_the_scores_are_those_of_the_last_weights(undisturbed, data_dir):
    metrics = json.loads((undisturbed / "metrics.json").read_text())
    assert metrics["mean_iou"] == pytest.approx(
        score(Run(undisturbed).load_model(), data_dir), abs=1e-6
    )
    assert metrics["mean_iou"] == pytest.approx(mean_iou(np.array(metrics["confusion"])))
    assert list(metrics["class_iou"]) == list(LABELS.class_names)
    assert (metrics["images"], metrics["epochs"]) == (4, 3)
    assert metrics["training_seconds"] > 0


def test_the_counts_of_its_images_are_left_for_comparisons(undisturbed, data_dir):
    counts = read_image_counts(Run(undisturbed))
    metrics = json.loads((undisturbed / "metrics.json").read_text())
    assert counts.names == ("000.jpg", "001.jpg", "002.jpg", "003.jpg")
    assert counts.numbers.tolist() == [0, 1, 2, 3]
    assert counts.class_names == LABELS.class_names
    assert counts.fingerprint == data.fingerprint(data.find_pairs(data_dir, "val"))
    overlap = np.diag(metrics["confusion"])
    np.testing.assert_array_equal(counts.overlap.sum(axis=0), overlap)
    assert float(mean_iou_of_counts(overlap, counts.union.sum(axis=0))) == metrics["mean_iou"]


def test_validation_sees_the_average_that_is_saved(undisturbed, data_dir):
    rows = history(undisturbed)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert all(math.isfinite(float(row["loss"])) for row in rows)
    # validate_every is 2, and the last epoch is validated in any case.
    assert [bool(row["val_mean_iou"]) for row in rows] == [False, True, True]
    scores = [float(row["val_mean_iou"]) for row in rows[1:]]
    for name, expected in (("model.keras", scores[-1]), ("best.keras", max(scores))):
        found = score(Run(undisturbed).load_model(name), data_dir)
        assert found == pytest.approx(expected, abs=1e-6)


def test_pictures_show_image_truth_and_prediction(undisturbed, data_dir):
    with Image.open(undisturbed / "pictures/000.png") as picture:
        assert picture.width > 3 * 96
    sample = (undisturbed / "samples/000.jpg").read_bytes()
    assert sample == (data_dir / "val/images/000.jpg").read_bytes()


def test_what_is_printed_ends_with_the_scores(train, finished, capsys, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", None)
    assert train(finished) == 0
    lines = capsys.readouterr().out.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("class "))
    assert [line.split()[0] for line in lines[start + 1 : start + 4]] == list(LABELS.class_names)
    value = json.loads((finished / "metrics.json").read_text())["mean_iou"]
    assert lines[start + 4] == f"mean IoU {value:.3f}"
    assert lines[start + 5].startswith("seconds spent in training: ")
    assert len(lines) == start + 6


@pytest.mark.slow
def test_a_saved_model_is_exported_once(train, finished, capsys, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", None)
    (finished / "serving/.1.killed.partial").mkdir(parents=True)
    for _ in range(2):
        assert train(finished, "output.saved_model=true", "output.pictures=0") == 0
        assert f"TensorFlow Serving: {finished / 'serving/1'}" in capsys.readouterr().out
    assert [path.name for path in (finished / "serving").glob("[0-9]*")] == ["1"]


@pytest.mark.slow
def test_frozen_statistics_survive_a_run_of_refinenet(train, tmp_path):
    run_dir, recipe = tmp_path / "run", tmp_path / "refinenet.toml"
    recipe.write_text(REFINENET)
    assert train(run_dir, recipe=recipe) == 0
    after = weights(run_dir)
    statistics = {path: value for path, value in after.items() if "moving" in path}
    assert len(statistics) == 10
    for path, value in statistics.items():
        np.testing.assert_array_equal(value, "variance" in path, err_msg=path)
    assert not after["bn1/beta"].any()  # a frozen stage
    assert after["bn4/beta"].any()
    # validate_every is 9: the only epoch is validated as the last.
    assert (run_dir / "best.keras").is_file()
