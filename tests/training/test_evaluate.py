import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasseg import data, evaluate, predict
from kerasseg.evaluation import (
    DenseCRF,
    ExpectedCalibrationError,
    Protocol,
    Tally,
    read_image_counts,
)
from kerasseg.evaluation.inference.kept_predictors import predictor_of
from kerasseg.evaluation.result.scores import calibration
from kerasseg.run import Run
from tests.data.files import LABELS, write_folder
from tests.replicas import TWO
from training.compare import main as compare
from training.evaluate import main


@pytest.fixture
def run_program(data_dir):
    def run(run_dir, *arguments, data=data_dir):
        return main([str(run_dir), "--data-dir", str(data), *arguments])

    return run


def results(run_dir):
    return {
        path.name: json.loads(path.read_text()) for path in (run_dir / "evaluation").glob("*.json")
    }


def test_the_whole_images_score_what_training_reported(finished, run_program, data_dir, capsys):
    assert run_program(finished) == 0
    shown = capsys.readouterr().out
    ((name, found),) = results(finished).items()
    assert name == "val-whole-last.json"
    reported = json.loads((finished / "metrics.json").read_text())
    for key in ("confusion", "class_iou", "mean_iou"):
        assert found[key] == reported[key]
    assert f"mean IoU {reported['mean_iou']:.3f}" in shown
    assert "4 images, " in shown
    pairs = data.find_pairs(data_dir, "val")
    assert [each["name"] for each in found["images"]] == [pair.image.name for pair in pairs]
    scores = evaluate(Run(finished).load_model(), pairs, LABELS)
    order = np.argsort(scores.numbers)
    np.testing.assert_allclose([each["iou"] for each in found["images"]], scores.image_iou[order])
    counts = read_image_counts(Run(finished), "val-whole-last")
    assert counts.way == "whole, last weights"
    np.testing.assert_array_equal(counts.union, scores.union[order])
    assert counts.names == tuple(each["name"] for each in found["images"])


def test_another_split_weights_and_protocol_have_a_file_of_their_own(finished, run_program, capsys):
    protocol = ["--scales", "0.5", "1", "--flip", "--tile", "64", "--overlap", "32"]
    assert run_program(finished, "--split", "train", "--weights", "best", *protocol) == 0
    ((name, found),) = results(finished).items()
    assert name == "train-scales0.5,1-flip-tile64-overlap32-best.json"
    assert found["protocol"] == Protocol((0.5, 1), flip=True, tile=64, overlap=32).to_json()
    assert len(found["images"]) == 5
    assert list(found["tile_differences"]) == ["0", "32"]
    shown = capsys.readouterr().out
    for overlap, share in found["tile_differences"].items():
        assert f"overlap of {overlap}, {100 * share:.2f} % of the pixels get another class" in shown


def test_a_dense_crf_has_a_file_of_its_own(finished, run_program, data_dir):
    pytest.importorskip("pydensecrf")
    assert run_program(finished, "--crf", "--crf-set", "steps=2") == 0
    ((name, found),) = results(finished).items()
    assert name == "val-whole-crf-steps2-last.json"
    protocol = Protocol(crf=DenseCRF(steps=2))
    assert found["protocol"] == protocol.to_json()
    pairs = data.find_pairs(data_dir, "val")
    expected = evaluate(Run(finished).load_model(), pairs, LABELS, protocol)
    assert found["confusion"] == expected.confusion.tolist()


def test_nothing_is_overwritten_unasked(finished, run_program, capsys):
    file = finished / "evaluation" / "mine.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text("{}")
    assert run_program(finished, "--name", "mine") == 2
    assert "is there already. Give another --name, or say --overwrite." in capsys.readouterr().err
    assert file.read_text() == "{}"
    assert run_program(finished, "--name", "mine", "--overwrite") == 0
    assert "mean_iou" in json.loads(file.read_text())


@pytest.mark.parametrize("suffix", [".md", ".html", ".npz"])
def test_no_file_of_another_evaluation_is_overwritten(finished, run_program, capsys, suffix):
    file = finished / "evaluation" / f"mine{suffix}"
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    assert run_program(finished, "--name", "mine") == 2
    assert f"mine{suffix} is there already." in capsys.readouterr().err
    assert file.read_text() == "mine"


def test_what_training_left_is_not_overwritten_either(undisturbed, run_program, capsys):
    assert run_program(undisturbed, "--name", "validation") == 2
    assert "validation.npz is there already." in capsys.readouterr().err


def test_it_leaves_pages_and_what_a_comparison_needs(finished, run_program, data_dir, capsys):
    options = ["--flip", "--calibration"]
    assert run_program(finished, "--name", "mine", *options) == 0
    assert run_program(finished, "--name", "mine.2", "--flip", "--tile", "64", "--calibration") == 0
    folder = finished / "evaluation"
    found = {path.name for path in folder.iterdir()} - {"validation.npz"}
    ends = ("json", "md", "html", "npz")
    assert found == {f"{name}.{end}" for name in ("mine", "mine.2") for end in ends}
    page = (folder / "mine.html").read_text()
    assert "finished: val, scales1-flip, last weights" in page
    shown = capsys.readouterr().out
    assert str(folder / "mine.html") in shown
    for pair in data.find_pairs(data_dir, "val"):
        assert f"{pair.image.name}: mean IoU" in page
    capsys.readouterr()
    arguments = [str(finished), str(finished), "--name", "mine", "--samples", "10"]
    assert compare(arguments) == 0
    said = capsys.readouterr().out
    assert f"A: {finished}, mine (scales1-flip, last weights)" in said
    assert f"mean    {results(finished)['mine.json']['mean_iou']:.3f}" in said
    assert compare([*arguments, "--name-b", "validation"]) == 0
    assert f"B: {finished}, validation (whole, last weights)" in capsys.readouterr().out


@pytest.mark.parametrize(("absent", "score"), [("skip", None), ("one", 1), ("zero", 0)])
def test_how_absent_classes_count_is_chosen_and_said(
    finished, run_program, tmp_path, capsys, monkeypatch, absent, score
):
    """Of a model that says class 0 everywhere, on a label map of that class alone."""
    (pair,) = write_folder(tmp_path / "ground", [(64, 64)], split="val")
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(pair.label)
    monkeypatch.setattr(
        "kerasseg.evaluation.inference.views.Views.classes",
        lambda self, images: tf.zeros(tf.shape(images)[:3], tf.int32),
    )
    assert run_program(finished, "--absent", absent, data=tmp_path / "ground") == 0
    ((_, found),) = results(finished).items()
    known = [1.0] if score is None else [1.0, score, score]
    assert (found["absent"], found["classes_in_mean"]) == (absent, len(known))
    assert found["absent_classes"] == ["box", "ball"]
    assert found["class_iou"] == {"ground": 1.0, "box": None, "ball": None}
    for name in ("mean_iou", "mean_dice", "mean_accuracy", "boundary_iou"):
        assert found[name] == pytest.approx(np.mean(known))
    # A class that fills the image has no contour inside it.
    assert found["boundary_f1"]["3"] == (score or 0)
    last = "of the 1 class that occurs" + ("" if score is None else f", and of {score} for each")
    assert f"mean IoU {np.mean(known):.3f} {last}" in capsys.readouterr().out
    words = "left out of the means" if score is None else f"{score} in the means"
    folder = finished / "evaluation"
    assert f"Classes that do not occur are {words}." in (folder / "val-whole-last.md").read_text()
    page = (folder / "val-whole-last.html").read_text()
    assert f"<td>classes that do not occur</td><td>{words}</td>" in page
    if score is not None:
        assert f"of all 3 classes, of which 2 do not occur: {words}" in page


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["whole", Protocol(flip=True), Protocol(tile=64, overlap=32)])
def test_calibration_is_the_metrics_and_changes_no_class(undisturbed, data_dir, protocol):
    model, pairs = Run(undisturbed).load_model(), data.find_pairs(data_dir, "val")
    tally = Tally(LABELS, calibration=True)
    found = evaluate(model, pairs, LABELS, protocol, tally=tally)
    plain = evaluate(model, pairs, LABELS, protocol)
    np.testing.assert_array_equal(found.confusion, plain.confusion)
    np.testing.assert_array_equal(tally.details.distances.sum(axis=0), found.confusion)
    metric = ExpectedCalibrationError(3, LABELS.ignore_label, from_logits=False)
    for pair in pairs:
        image, truth = data.read_pair(pair)
        metric.update_state(truth[None], predict(model, image, protocol, probabilities=True)[None])
    error = calibration(tally.details.confidences)["expected_calibration_error"]
    assert error == pytest.approx(float(metric.result()), abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--protocol", "refinet"], "unknown protocol 'refinet': did you mean 'refinenet'?"),
        (["--tile", "100"], "tile is a multiple of 32 or 0; received 100."),
        (["--overlap", "32"], "overlap is at most half of tile; received overlap 32 with tile 0."),
        (["--split", "test"], "has no split 'test'"),
        (["--name", "a/b"], "--name 'a/b' is a path"),
        (["--name", ".."], "--name '..' is a path; give the name of a file alone."),
        (["--name", "n" * 300], "a name of 300 bytes; at most 200 are accepted."),
        (["--scales", *["0.123"] * 50], "Give a shorter --name."),
        (["--batch-size", "0"], "--batch-size 0: give at least 1."),
        (["--absent", "ones"], "treatment of absent classes 'ones': did you mean 'one'?"),
        (["--devices", "GPU:7"], "no such device: GPU:7."),
    ],
)
def test_bad_arguments_end_in_a_line(undisturbed, run_program, capsys, arguments, message):
    assert run_program(undisturbed, *arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("weights", "file"), [("last", "model.keras"), ("best", "best.keras")])
def test_a_run_without_weights_ends_in_a_line(finished, run_program, capsys, weights, file):
    (finished / file).unlink()
    assert run_program(finished, "--weights", weights) == 2
    said = capsys.readouterr().err
    assert f"holds no {file}: has its training ended?" in said
    assert said.count("\n") == 1
    assert not results(finished)


@pytest.mark.slow
def test_two_devices_count_what_one_does(finished, run_program, monkeypatch):
    replicas = []

    def noted(*arguments):
        replicas.append(predictor_of(*arguments).replicas)
        return predictor_of(*arguments)

    monkeypatch.setattr("kerasseg.evaluation.inference.engine.predictor_of", noted)
    for name, devices in (("one", []), ("two", ["--devices", *TWO])):
        assert run_program(finished, "--name", name, *devices) == 0
        assert max(replicas) == (len(devices[1:]) or 1)
    one, two = (results(finished)[f"{name}.json"] for name in ("one", "two"))
    assert one.keys() == two.keys()
    assert {key for key in one if one[key] != two[key]} <= {"seconds", "images_per_second"}


@pytest.mark.parametrize(
    ("tiles", "remedy"), [([], "--tile 512"), (["--tile", "64"], "a smaller --tile")]
)
def test_too_little_memory_ends_in_a_line(
    undisturbed, run_program, capsys, monkeypatch, tiles, remedy
):
    monkeypatch.setattr("kerasseg.evaluation.report.of_run.evaluate", out_of_memory)
    assert run_program(undisturbed, "--name", "none", *tiles) == 2
    assert capsys.readouterr().err == (
        "error: the memory is too small for these images: "
        f"say {remedy}, or a smaller --batch-size.\n"
    )
    assert not results(undisturbed)


def out_of_memory(*_, **__):
    raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")


def test_no_run(tmp_path, run_program, capsys):
    assert run_program(tmp_path / "none") == 2
    assert "no such run directory" in capsys.readouterr().err


def test_data_of_other_classes(finished, run_program, capsys):
    recipe = finished / "recipe.toml"
    recipe.write_text(recipe.read_text().replace('"ball"', '"disc"'))
    assert run_program(finished) == 2
    said = capsys.readouterr().err
    assert "trained on the classes ground, box, ball, and the data have ground, box, disc" in said


def test_a_label_that_is_no_class(undisturbed, run_program, tmp_path, capsys):
    (pair,) = write_folder(tmp_path, [(64, 64)], split="val")
    Image.fromarray(np.full((64, 64), 7, np.uint8)).save(pair.label)
    assert run_program(undisturbed, data=tmp_path) == 2
    assert "000.png holds the label 7; accepted are the classes 0..2" in capsys.readouterr().err


def test_the_notebook_function_agrees(undisturbed, data_dir):
    model, (pair, *_) = Run(undisturbed).load_model(), data.find_pairs(data_dir, "val")
    assert predict(model, pair.image).shape == data.read_pair(pair)[1].shape
