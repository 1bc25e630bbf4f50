"""Files that cannot be decoded: before anything is trained, and in the middle of it."""

import json
import shutil

import keras
import pytest
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.experiment.experiment import _naming_bad_files
from kerasseg.experiment.splits import find_splits
from kerasseg.recipe import read_recipe
from tests.training.runs import assert_same_result, history


@pytest.fixture
def data(data_dir, tmp_path):
    return shutil.copytree(data_dir, tmp_path / "data")


@pytest.fixture
def lenient(monkeypatch):
    """One of four may be skipped, since the data sets of the tests have no hundred pictures."""
    monkeypatch.setattr("kerasseg.data.checking._SKIPPED_AT_MOST", 0.25)


def cut(path):
    path.write_bytes(path.read_bytes()[:200])


def test_a_file_that_is_skipped_is_listed(train, data, tmp_path, lenient, monkeypatch, capsys):
    cut(data / "train/images/003.jpg")
    cut(data / "val/labels/001.png")
    monkeypatch.setattr("kerasseg.experiment.training_loop.Training._fit", lambda *_: None)
    run_dir = tmp_path / "run"
    settings = ("data.on_error=skip", "output.pictures=1")
    assert train(run_dir, *settings, data=data) == 0
    lines = capsys.readouterr().err.splitlines()
    first = lines.index("skipped 2 of 9 (22.2 %):")
    said = [line.removeprefix("  ") for line in lines[first + 1 : first + 3]]
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert metrics["skipped"] == said
    assert str(data / "train/images/003.jpg") in said[0]
    assert str(data / "val/labels/001.png") in said[1]
    assert metrics["images"] == 3


def test_more_than_one_percent_is_not_skipped(train, data, tmp_path, capsys):
    cut(data / "train/images/003.jpg")
    assert train(tmp_path / "run", "data.on_error=skip", data=data) == 2
    said = capsys.readouterr().err
    assert "error: 1 of 5 examples cannot be decoded; on_error='skip' passes over 1 % at mo" in said
    assert "003.jpg is corrupt" in said
    assert not (tmp_path / "run").exists()


def test_an_unknown_choice(train, data, tmp_path, capsys):
    assert train(tmp_path / "run", "data.on_error=ignore", data=data) == 2
    assert "unknown data.on_error 'ignore'. Accepted: raise, skip." in capsys.readouterr().err


@pytest.fixture
def fit(monkeypatch):
    """Lets something happen before Keras' fit, and changes its options."""
    original = keras.Model.fit

    def patched(before=lambda: None, **changes):
        def fit(self, *arguments, **options):
            before()
            return original(self, *arguments, **{**options, **changes})

        monkeypatch.setattr(keras.Model, "fit", fit)

    return patched


@pytest.mark.slow
def test_a_file_that_changes_under_the_run_is_named_and_with_it_restored_the_run_goes_on(
    train, undisturbed, data, tmp_path, fit, monkeypatch, capsys
):
    run_dir, path = tmp_path / "run", data / "train/images/002.jpg"
    whole = path.read_bytes()
    fit(epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr("kerasseg.experiment.experiment.write_report", lambda *_, **__: None)
        assert train(run_dir, "data.cache=none", data=data) == 0

    fit(before=lambda: cut(path))
    assert train(run_dir, "data.cache=none", data=data) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line][-2:]
    assert said[0].startswith(f"error: {path} is corrupt or no image. Restore it")
    assert said[1] == (
        "It could be read when the run began: with it restored the same command goes on."
    )

    path.write_bytes(whole)
    fit()
    assert 1 <= len(history(run_dir)) < 3
    assert train(run_dir, "data.cache=none", data=data) == 0
    assert_same_result(run_dir, undisturbed)


@pytest.fixture
def splits(recipe, data):
    return find_splits(read_recipe(recipe), data)


@pytest.mark.parametrize("name", ["train/labels/004.png", "val/images/001.jpg"])
def test_any_file_of_the_run_is_named(splits, data, name):
    (data / name).unlink()
    with (
        pytest.raises(KerassegError, match=rf"{name} cannot be read: No such file.*\n.* goes on"),
        _naming_bad_files(splits),
    ):
        raise tf.errors.NotFoundError(None, None, "of a decoder")


def test_an_error_that_is_none_of_the_files_stays_what_it_is(splits):
    with (
        pytest.raises(tf.errors.ResourceExhaustedError, match="out of memory"),
        _naming_bad_files(splits),
    ):
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
