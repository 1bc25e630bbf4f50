"""`training.prepare`, and training from what it writes."""

import json
import shutil
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasseg.data import records
from kerasseg.errors import KerassegError
from kerasseg.experiment.experiment import _naming_bad_files
from kerasseg.experiment.splits import find_splits
from kerasseg.recipe import read_recipe
from tests.data.files import write_folder
from tests.processes import CHECKOUT
from tests.training.runs import assert_same_result, contents, history, weights
from training.prepare import main

NAMES = ("--class-names", "ground, box, ball")


@pytest.fixture(scope="module")
def prepared(data_dir, tmp_path_factory):
    """The records of the five pictures to learn from and the four to measure on."""
    out = tmp_path_factory.mktemp("records") / "out"
    assert main([str(data_dir), str(out), *NAMES, "--shards", "3"]) == 0
    return out


def refused(capsys, *arguments):
    assert main([str(argument) for argument in arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert len(said.splitlines()) <= 2
    return said


@pytest.mark.slow
def test_killed_and_started_again_it_ends_with_the_same_bytes(data_dir, prepared, tmp_path):
    arguments = [str(data_dir), str(tmp_path / "out"), *NAMES, "--shards", "3"]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.training.kill_prepare", "8", *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    left = contents(tmp_path / "out")
    assert "dataset.json" not in left
    finished = {name: part for name, part in left.items() if name.endswith(".tfrecord")}
    assert len(finished) == 5
    assert finished.items() < contents(prepared).items()
    assert main(arguments) == 0
    assert contents(tmp_path / "out") == contents(prepared)


def test_what_it_says(data_dir, prepared, capsys):
    size = sum(len(part) for name, part in contents(prepared).items() if name != "dataset.json")
    for arguments in (
        [str(data_dir), str(prepared), *NAMES, "--shards", "3"],
        ["--verify", str(prepared)],
    ):
        assert main(arguments) == 0
        assert capsys.readouterr().out == (
            f"5 train, 4 val: 6 files of {size / 1e6:.1f} MB together in {prepared}\n"
        )


def test_a_recipe_says_what_to_write(recipe, data_dir, prepared, tmp_path):
    directory = f"data.directory={data_dir}"
    out = tmp_path / "out"
    assert main(["--set", directory, str(recipe), str(out), "--shards", "3"]) == 0
    assert contents(out) == contents(prepared)


def test_a_data_set_of_the_catalogue_by_name_or_by_folder(tmp_path):
    folder = tmp_path / "camvid"
    for split in ("train", "val"):
        write_folder(folder, [(24, 32)] * 2, split=split)
    for path in folder.glob("*/labels/*.png"):
        ids = np.asarray(Image.open(path))
        Image.fromarray(np.where(ids == 255, 11, ids).astype(np.uint8)).save(path)
    for path in folder.glob("*/*/*.png"):
        path.rename(path.with_stem(f"0001TP_{path.stem}"))
    by_name = ["camvid", str(tmp_path / "one"), "--data-dir", str(folder), "--splits", "val"]
    by_folder = [str(folder), str(tmp_path / "two"), "--dataset", "camvid", "--splits", "val"]
    assert main(by_name) == main(by_folder) == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    description = json.loads((tmp_path / "one" / "dataset.json").read_text())
    assert (description["source"], description["ignore_label"]) == ("camvid", 11)
    assert list(description["splits"]) == ["val"]


def test_bad_arguments(data_dir, tmp_path, prepared, capsys):
    out = tmp_path / "out"
    said = refused(capsys, tmp_path / "nowhere", out)
    assert "nowhere' is no recipe, no folder and no data set; the data sets are ade20k" in said
    assert "give both what to write and where to" in refused(capsys, data_dir)
    assert "data.class_names is empty" in refused(capsys, data_dir, out)
    assert "has no split 'test'" in refused(capsys, data_dir, out, *NAMES, "--splits", "test")
    assert "is no split of voc2012" in refused(capsys, "voc2012", out, "--splits", "tran")
    both = ("--shards", 2, "--shard-size", 1)
    assert "either the number of shards or their size" in refused(
        capsys, data_dir, out, *NAMES, *both
    )
    said = refused(capsys, data_dir, prepared, "--class-names", "ground,box,moon", "--shards", 3)
    assert "holds records of class names" in said
    assert "has no split" not in refused(capsys, "--verify", out)
    assert "is not prepared in" in refused(
        capsys, "tfds:oxford_iiit_pet", out, "--data-dir", tmp_path, "--splits", "train"
    )
    assert not out.exists()


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("recipe", ["--class-names", "a,b"]),
        ("recipe", ["--ignore-label", "0"]),
        ("recipe", ["--dataset", "camvid"]),
        ("recipe", ["--download"]),
        ("folder", ["--set", "data.cache=none"]),
        ("folder", ["--data-dir", "elsewhere"]),
        ("folder", ["--download"]),
        ("shapes", ["--set", "data.cache=none"]),
        ("shapes", ["--class-names", "a,b"]),
        ("shapes", ["--download"]),
    ],
)
def test_no_option_is_ignored(recipe, data_dir, tmp_path, capsys, source, options):
    place = {"recipe": recipe, "folder": data_dir}.get(source, source)
    names = NAMES if source == "folder" else ()
    said = refused(capsys, place, tmp_path / "out", *options, *names)
    assert f"{options[0]} has no effect where SOURCE is " in said
    assert not (tmp_path / "out").exists()


def test_an_empty_name_moves_no_other(data_dir, tmp_path, capsys):
    for names in ("ground,,ball", "ground,box,", ""):
        said = refused(capsys, data_dir, tmp_path / "out", "--class-names", names)
        assert f"--class-names {names!r} has an empty name" in said


def test_the_progress_bar(data_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert main([str(data_dir), str(tmp_path / "out"), *NAMES]) == 0
    assert "writing records: 100%" in capsys.readouterr().err


def test_what_is_skipped_is_counted_over_all_splits(data_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("kerasseg.data.checking._SKIPPED_AT_MOST", 0.25)
    data = shutil.copytree(data_dir, tmp_path / "data")
    (data / "train/images/003.jpg").write_bytes(b"")
    assert main([str(data), str(tmp_path / "out"), *NAMES, "--on-error", "skip"]) == 0
    assert "skipped 1 of 9 (11.1 %):\n  " in capsys.readouterr().err


def test_a_bad_label_is_named_before_anything_is_there_to_train_on(data_dir, tmp_path, capsys):
    said = refused(capsys, data_dir, tmp_path / "out", "--class-names", "ground,box")
    assert "holds the label 2; accepted are the classes 0..1" in said
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_overwrite(data_dir, prepared, tmp_path):
    out = tmp_path / "out"
    assert main([str(data_dir), str(out), *NAMES, "--shards", "1"]) == 0
    assert main([str(data_dir), str(out), *NAMES, "--shards", "3", "--overwrite"]) == 0
    assert contents(out) == contents(prepared)


STREAM = ("data.dataset=records", "data.cache=none", "output.pictures=1")


@pytest.fixture(scope="module")
def from_records(train, prepared, tmp_path_factory):
    """A run from records that nothing stopped."""
    run_dir = tmp_path_factory.mktemp("runs") / "records"
    assert train(run_dir, *STREAM, data=prepared) == 0
    return run_dir


@pytest.mark.slow
def test_a_run_from_records_leaves_what_any_run_does(from_records, undisturbed, prepared):
    files, others = (set(contents(run)) for run in (from_records, undisturbed))
    of_pictures = {name for name in others if name.startswith(("pictures", "samples"))}
    assert {name for name in others - of_pictures if "events.out" not in name} <= files
    assert {name for name in files if name.startswith("samples")} == {"samples/000.jpg"}
    description = json.loads((from_records / "run.json").read_text())
    split = records.open_records(prepared).split("val")
    assert description["fingerprint"]["validation"] == split.fingerprint
    assert json.loads((from_records / "metrics.json").read_text())["images"] == 4


@pytest.mark.slow
def test_a_run_from_records_that_was_stopped_ends_with_the_same_weights(
    train, from_records, prepared, tmp_path, monkeypatch
):
    fit = keras.Model.fit

    def until_second(self, *arguments, **options):
        return fit(self, *arguments, **{**options, "epochs": 2})

    run_dir = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "fit", until_second)
        patch.setattr("kerasseg.experiment.experiment.write_report", _interrupt)
        assert train(run_dir, *STREAM, data=prepared) == 130
    assert len(history(run_dir)) == 2
    assert train(run_dir, *STREAM, data=prepared) == 0
    assert_same_result(run_dir, from_records)


def _interrupt(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.slow
def test_a_run_from_cached_records_learns_what_one_from_files_does(
    train, undisturbed, prepared, tmp_path
):
    assert train(tmp_path / "run", "data.dataset=records", data=prepared) == 0
    expected = weights(undisturbed)
    for path, value in weights(tmp_path / "run").items():
        assert (value == expected[path]).all(), path


def test_records_of_other_classes_are_not_trained_on(train, prepared, tmp_path, capsys):
    settings = ("data.dataset=records", 'data.class_names=["ground", "box", "moon"]')
    assert train(tmp_path / "run", *settings, data=prepared) == 2
    said = capsys.readouterr().err
    assert "data.class_names is ground, box, moon, and the records in" in said
    assert "have ground, box, ball. Correct it or leave it out" in said


def test_a_file_that_was_damaged_during_the_run_is_named(recipe, prepared, tmp_path):
    out = shutil.copytree(prepared, tmp_path / "records")
    splits = find_splits(read_recipe(recipe, STREAM), out)
    damaged = out / "train-00001-of-00003.tfrecord"
    part = bytearray(damaged.read_bytes())
    part[len(part) // 2] ^= 255
    damaged.write_bytes(part)
    message = rf"{damaged} is not as it was written.*\n.*with it restored the same command goes on"
    with pytest.raises(KerassegError, match=message), _naming_bad_files(splits):
        list(splits.train.in_order())


def test_the_shards_of_a_run_are_not_all_read_for_one_picture(prepared, monkeypatch):
    split = records.open_records(prepared).split("train")
    opened = []
    dataset = tf.data.TFRecordDataset
    monkeypatch.setattr(
        tf.data, "TFRecordDataset", lambda path: opened.append(path) or dataset(path)
    )
    assert [example.name for example in split.examples([4])] == ["004.jpg"]
    assert opened == [split.paths[2]]
