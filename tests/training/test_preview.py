"""The contact sheet of what a recipe's network will see."""

import numpy as np
import pytest
from PIL import Image

import kerasseg
from kerasseg.experiment.splits import find_splits
from kerasseg.recipe import read_recipe
from kerasseg.visualization import overlay
from tests.training.runs import contents
from training.preview import main

PLAIN = ["--set", "augmentation.brightness=0"]


@pytest.fixture
def preview(recipe, data_dir, tmp_path, monkeypatch):
    """Runs the program in an empty directory and returns its exit status."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return main([str(recipe), "--data-dir", str(data_dir), *arguments])

    return run


def said(capsys):
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert 1 <= len(error.splitlines()) <= 2
    return error


def test_it_shows_the_crops_of_the_run_and_their_labels(preview, recipe, data_dir, tmp_path):
    assert preview("--count", "3", *PLAIN) == 0
    sheet = np.asarray(Image.open(tmp_path / "preview-tiny.png"))
    splits = find_splits(read_recipe(recipe), data_dir)
    batches = kerasseg.data.training_batches(
        splits.train, splits.labels, batch_size=2, crop_size=(64, 64), epochs=3
    )
    crops = [crop for batch in batches for crop in zip(*batch, strict=True)][:3]
    # Two columns; a crop and its labels stand below a title, with margins between.
    width, height = 2 * (64 + 10) + 10, 64 + 24 + 10
    for number, (image, label) in enumerate(crops):
        top, left = number // 2 * height + 24, number % 2 * width + 10
        pixels = np.round(image).astype(np.uint8)
        assert np.array_equal(sheet[top : top + 64, left : left + 64], pixels)
        beside = sheet[top : top + 64, left + 74 : left + 138]
        assert np.array_equal(beside, overlay(pixels, label, splits.labels))
        assert np.array_equal(beside[label == 255], pixels[label == 255])


def test_the_legend_names_the_classes_in_their_colours(preview, data_dir, recipe, tmp_path):
    assert preview("--count", "1", "--out", "new/sheet.png") == 0
    strip = np.asarray(Image.open(tmp_path / "new" / "sheet.png"))[64 + 24 + 10 :].reshape(-1, 3)
    labels = find_splits(read_recipe(recipe), data_dir).labels
    assert set(labels.colours) <= set(map(tuple, strip.tolist()))


def test_a_recipe_may_mix_images_and_use_keras_cv(preview, tmp_path):
    settings = ["augmentation.cutmix_probability=1", "augmentation.photometric=keras_cv"]
    assert preview("--count", "2", *(part for one in settings for part in ("--set", one))) == 0
    assert (tmp_path / "preview-tiny.png").is_file()


def test_nothing_is_overwritten_unasked(preview, tmp_path, capsys):
    (tmp_path / "preview-tiny.png").write_bytes(b"mine")
    assert preview() == 2
    assert "preview-tiny.png is there already. Give another --out, or say" in said(capsys)
    assert (tmp_path / "preview-tiny.png").read_bytes() == b"mine"
    assert preview("--overwrite", "--count", "1") == 0
    assert Image.open(tmp_path / "preview-tiny.png").format == "PNG"
    assert list(contents(tmp_path)) == ["preview-tiny.png"]


BAD = {
    ("--out", "sheet.txt"): "--out sheet.txt is no PNG file; give a name that ends in .png",
    ("--out", "folder.png"): "--out folder.png is a directory; give a file in it",
    ("--out", "file/sheet.png"): "file/sheet.png cannot be written",
    ("--count", "0"): "--count 0: the run draws 12 crops; give 1..12",
    ("--count", "13"): "--count 13: the run draws 12 crops; give 1..12",
    ("--set", "augmentation.hue=1"): "hue lies within 0..0.5; got 1",
    ("--set", "augmentation.flop=true"): "'flop': did you mean 'flip'?",
    ("--set", "training.batch_size=6"): "batch_size 6 with 5 training images",
    ("--data-dir", "nowhere"): "no such data directory: nowhere",
}


@pytest.mark.parametrize("arguments", BAD, ids=str)
def test_bad_input_is_named_and_nothing_is_written(preview, tmp_path, capsys, arguments):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("")
    assert preview(*arguments) == 2
    assert BAD[arguments] in said(capsys)
    assert list(contents(tmp_path)) == ["file"]


def test_images_of_one_a_batch_cannot_be_mixed(preview, capsys):
    alone = ["--set", "training.batch_size=1", "--set", "augmentation.copy_paste_probability=0.5"]
    assert preview(*alone) == 2
    assert "batch_size is 1: give at least 2, or set both to 0" in said(capsys)


def test_no_such_recipe(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere.toml")]) == 2
    assert "no such recipe" in said(capsys)
