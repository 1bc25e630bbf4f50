"""Which of the inputs are predicted, and what is shown meanwhile."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from tests.training.predictions import files, run


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "b.png", "c.tif"):
        pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def test_results_below_the_input_are_not_predicted_again(undisturbed, photos, capsys):
    out, near = photos / "predicted", photos / "predicted2"
    near.mkdir()
    Image.new("RGB", (48, 40)).save(near / "d.png")
    assert run(undisturbed, out, photos, "--overlays") == 0
    said, before = capsys.readouterr(), files(photos)
    assert "4 images predicted" in said.out
    assert "left out" not in said.err
    assert (out / "masks/predicted2/d.png").is_file()
    assert run(undisturbed, out, photos, "--overlays") == 0
    said = capsys.readouterr()
    assert f"8 files are left out as results, below --out {out}\n" in said.err
    assert "0 images predicted" in said.out
    assert files(photos) == before


def test_results_alone_are_no_input(undisturbed, photos, capsys):
    assert run(undisturbed, photos, photos) == 2
    said = capsys.readouterr().err
    assert f"every image lies below --out {photos}, whose files are taken for results" in said
    assert files(photos) == ["a.jpg", "b.png", "c.tif"]


@pytest.mark.parametrize("engine", ["plain", "ray"])
def test_windows_of_what_has_none_are_refused(undisturbed, photos, tmp_path, capsys, engine):
    pytest.importorskip("rasterio")
    windows = ["--by-windows", "--tile", "32", "--engine", engine]
    out = tmp_path / "out"
    assert run(undisturbed, out, photos / "a.jpg", photos / "b.png", *windows) == 2
    said = capsys.readouterr().err
    assert "--by-windows reads .tif and .tiff, and there is none among 2 files: leave it" in said
    assert not out.exists()


def test_how_many_files_have_no_windows_is_said(undisturbed, photos, tmp_path, capsys):
    pytest.importorskip("rasterio")
    windows = ["--by-windows", "--tile", "32"]
    assert run(undisturbed, tmp_path / "out", photos, *windows) == 0
    assert "2 files are no TIFF and are read whole\n" in capsys.readouterr().err
    assert files(tmp_path / "out/masks") == ["a.png", "b.png", "c.tif"]


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_on_a_terminal_alone(
    undisturbed, photos, tmp_path, monkeypatch, terminal
):
    shown = io.StringIO()
    shown.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", shown)
    assert run(undisturbed, tmp_path / "out", photos) == 0
    text = shown.getvalue()
    assert ("predicting: 100%" in text and "3/3" in text) == terminal
    assert ("image" in text) == terminal
