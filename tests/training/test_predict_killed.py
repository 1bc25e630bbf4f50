"""Killed in the midst of a mask, the plain program goes on where it was."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.processes import CHECKOUT
from tests.training.runs import contents

COUNT = 5
WRITTEN = 2  # images whose two pictures, overlay and mask, are whole as it is killed


@pytest.fixture
def predict(undisturbed, tmp_path):
    """Runs a program on the photos in a process of its own; one thread, so that all round alike."""
    photos = tmp_path / "photos"
    photos.mkdir()
    draw = np.random.default_rng(0)
    for number in range(COUNT):
        pixels = draw.integers(0, 256, (40 + number, 64, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(photos / f"{number}.png")
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

    def run(out, *program):
        command = [sys.executable, "-m", *program, undisturbed, photos, "--out", out, "--overlays"]
        return subprocess.run(
            command, cwd=CHECKOUT, env={**os.environ, **threads}, capture_output=True, text=True
        )

    return run


@pytest.mark.slow
def test_killed_within_a_mask_it_goes_on_where_it_was(predict, tmp_path):
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert predict(whole, "training.predict").returncode == 0
    of_next_mask = 2 * WRITTEN + 2
    ended = predict(out, "tests.training.predict_killed", str(of_next_mask))
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    masks = sorted(out.glob("masks/[!.]*"))
    assert [mask.name for mask in masks] == ["0.png", "1.png"]
    assert len(list(out.rglob("*.partial*"))) == 1
    times = [mask.stat().st_mtime_ns for mask in masks]
    again = predict(out, "training.predict")
    assert again.returncode == 0, again.stderr
    assert f"{COUNT - WRITTEN} images predicted" in again.stdout
    assert f"{WRITTEN} were there already" in again.stdout
    assert [mask.stat().st_mtime_ns for mask in masks] == times
    assert contents(out) == contents(whole)  # no partial file is left either
