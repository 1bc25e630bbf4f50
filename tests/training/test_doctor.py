"""The program: its exit status, what it prints and where it writes."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from kerasseg.data import doctor
from kerasseg.data.doctor import read_report
from tests.data.files import write_folder
from tests.training.runs import contents
from training.doctor import main

NAMES = ["--class-names", "ground, box, ball"]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder data set without faults, seen from the directory that it lies in."""
    for split, size in (("train", (64, 80)), ("val", (72, 64))):
        write_folder(tmp_path / "photos", [size] * 3, split, suffix=".jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


def run(*arguments):
    """Returns the exit status."""
    return main([str(argument) for argument in arguments])


def refused(capsys, *arguments):
    """Returns the message of a call that must end with status 2."""
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert 1 <= len(error.splitlines()) <= 2
    return error


def test_good_data_ends_well(photos, capsys):
    assert run("photos", *NAMES) == 0
    said = capsys.readouterr().out
    assert said.startswith("photos: 3 train and 3 val pairs, 3 classes, void 255\n")
    assert "# median-frequency" in said
    assert "0 errors, 0 warnings, 0 notes: nothing stands in the way of training" in said
    assert said.endswith("report: doctor-photos/report.html\n")
    assert read_report("doctor-photos").is_healthy


def test_the_progress_bar(photos, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert run("photos", *NAMES) == 0
    assert "examining: " in capsys.readouterr().err


def test_without_class_names_they_are_inferred(photos, capsys):
    assert run("photos") == 0
    assert "3 classes (inferred from the values), void 255" in capsys.readouterr().out


def wrong_value(photos):
    Image.fromarray(np.full((64, 80), 7, np.uint8)).save(photos / "train/labels/001.png")


def no_label(photos):
    (photos / "val/labels/002.png").unlink()


def truncated(photos):
    path = photos / "train/images/002.jpg"
    path.write_bytes(path.read_bytes()[:200])


def double(photos):
    shutil.copyfile(photos / "train/images/000.jpg", photos / "val/images/new.jpg")
    shutil.copyfile(photos / "train/labels/000.png", photos / "val/labels/new.png")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (wrong_value, "train/labels/001.png: 7 (5,120 px)"),
        (no_label, "val/images/002.jpg"),
        (truncated, "train/images/002.jpg: "),
        (double, "val/images/new.jpg: as train/images/000.jpg"),
    ],
)
def test_bad_data_ends_with_status_1_and_names_the_file(photos, capsys, spoil, said):
    spoil(photos)
    assert run("photos", *NAMES, "--out", "report") == 1
    out = capsys.readouterr().out
    assert f"  - {said}" in out
    assert "training would go wrong" in out
    assert not read_report("report").is_healthy


def test_a_warning_alone_ends_well(photos):
    Image.fromarray(np.zeros((64, 80), np.uint8)).save(photos / "train/labels/000.png")
    assert run("photos", *NAMES) == 0
    assert [finding.kind for finding in read_report("doctor-photos").findings] == ["single-class"]


def test_colours_are_read_if_they_are_given(photos):
    for path in photos.glob("*/labels/*"):
        ids = np.asarray(Image.open(path)).astype(np.uint8)
        Image.fromarray(np.stack([ids, ids, 9 + 0 * ids], axis=-1)).save(path)
    given = ["--colours", "0,0,9", "1,1,9", "2,2,9", "--void-colours", "255,255,9"]
    assert run("photos", *NAMES, *given) == 0
    assert run("photos", *NAMES, "--out", "without") == 1


def test_camvid_of_the_catalogue(photos, capsys):
    """Three classes of eleven are there, and 255 is not its void label."""
    assert run("photos", "--dataset", "camvid") == 1
    assert "11 classes, void 11" in capsys.readouterr().out


def test_splits_are_those_that_are_named(photos, capsys):
    (photos / "val").rename(photos / "test")
    assert "has no split 'val': it has test, train" in refused(capsys, "photos", *NAMES)
    assert run("photos", *NAMES, "--splits", "train", "test") == 0


def test_a_report_is_replaced_only_if_asked(photos, capsys):
    assert run("photos", *NAMES) == 0
    before = contents(photos.parent / "doctor-photos")
    assert "holds a report already: say --overwrite" in refused(capsys, "photos", *NAMES)
    assert contents(photos.parent / "doctor-photos") == before
    assert run("photos", *NAMES, "--overwrite") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "no such data directory: nowhere. Give the folder"),
        (["photos", "--class-names", "a,,b"], "--class-names 'a,,b' has an empty name"),
        (["photos", "--class-names", "a,a"], "class names must differ; a comes twice"),
        (["photos", *NAMES, "--ignore-label", "2"], "ignore_label 2 must lie outside the classes"),
        (["photos", "--dataset", "camvd"], "unknown data set 'camvd': did you mean 'camvid'?"),
        (["photos", "--dataset", "voc2012"], "photos does not hold"),
        (["photos", "--dataset", "camvid", *NAMES], "--class-names is for a folder of one's own"),
        (["photos", "--colours", "0,0,0"], "--colours and --void-colours need --class-names"),
        (["photos", *NAMES, "--void-colours", "0,0,0"], "--void-colours needs --colours"),
        (["photos", *NAMES, "--colours", "0,0,0"], "the palette has 1 colours for 3 classes"),
        (
            ["photos", *NAMES, "--colours", "0,0,0", "1,0,0", "0,0,0"],
            "--colours and --void-colours name a colour twice",
        ),
        (["photos", "--out", "photos"], "photos is not empty and holds no report"),
        (["photos", "--out", "photos/train/images/000.jpg"], "000.jpg is a file; give another"),
        (["photos", "--out", "photos/train/images/000.jpg/a/b"], "000.jpg is a file; give another"),
    ],
)
def test_bad_arguments_are_named_and_nothing_is_written(photos, capsys, arguments, said):
    before = contents(photos.parent)
    assert said in refused(capsys, *arguments)
    assert contents(photos.parent) == before


def test_where_to_write_is_checked_before_anything_is_read(photos, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "open_folder", lambda *_, **__: pytest.fail("the data were read"))
    assert "is a file; give another" in refused(capsys, "photos", "--out", __file__ + "/x")
    monkeypatch.setattr(os, "access", lambda path, _: path != photos.parent)
    message = refused(capsys, "photos", "--out", "new/x")
    assert f"new/x cannot be made: writing to {photos.parent} is not allowed" in message


def test_a_usage_error_is_that_of_argparse(photos, capsys):
    for arguments in (["photos", "--class-name"], ["photos", "--colours", "red"], []):
        with pytest.raises(SystemExit) as ended:
            run(*arguments)
        assert ended.value.code == 2
        assert "usage: python -m training.doctor" in capsys.readouterr().err
