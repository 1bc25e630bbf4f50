"""The program that measures evaluation, tiles and windows, run small."""

import re
from itertools import product

import numpy as np
import pytest
from PIL import Image

from benchmarks import inference
from kerasseg.evaluation import Protocol
from tests.data.files import write_folder
from tests.tiny import tiny_backbone

TINY = ["--backbone", "tiny", "--filters", "8", "--rounds", "1"]
TILES = ["--tile", "64", "--overlap", "32"]


def test_the_first_round_is_not_counted_and_all_take_turns():
    calls = []
    found = inference.medians({name: lambda name=name: calls.append(name) for name in "ab"}, 2)
    assert calls == ["a", "b"] * 3
    assert list(found) == ["a", "b"]


def test_the_tiles_are_those_of_the_prediction():
    image = np.arange(96 * 130 * 3).reshape(96, 130, 3)
    tiles = list(inference._cut(image, Protocol(tile=64, overlap=32)))
    places = product((0, 32), (0, 32, 64, 96))
    for tile, (row, column) in zip(tiles, places, strict=True):
        np.testing.assert_array_equal(tile[0], image[row : row + 64, column : column + 64])


def test_tiles_stand_beside_the_model_alone(capsys):
    with tiny_backbone():
        inference.main(["tiles", *TINY, *TILES, "--size", "96"])
    tiles, seconds, ratio = capsys.readouterr().out.splitlines()
    assert tiles == (
        "96x96, 4 tiles of 64 with an overlap of 32: 1.78 times its pixels are computed"
    )
    assert re.fullmatch(r"model \d+\.\d\d s, tiled prediction \d+\.\d\d s", seconds)
    assert re.fullmatch(r"ratio \d+\.\d{3} \(goal: at most 1\.15\)", ratio)


@pytest.mark.slow
def test_evaluation_stands_beside_prediction_and_the_model(tmp_path, capsys):
    for pair in write_folder(tmp_path, [(64, 80)] * 3, split="val", suffix=".jpg"):
        label = np.array(Image.open(pair.label))
        Image.fromarray(np.minimum(label, 11)).save(pair.label)  # CamVid's void is 11
    with tiny_backbone():
        inference.main(["metrics", *TINY, "--data-dir", str(tmp_path), "--batch-size", "2"])
    *rates, metrics, counts, calibration, share = capsys.readouterr().out.splitlines()
    names = [re.fullmatch(r"(.+): \d+\.\d\d images a second", line).group(1) for line in rates]
    counted = ["evaluation", "all counts", "with calibration"]
    assert names == ["model alone", "prediction", *counted]
    for name, line in zip(counted, (metrics, counts, calibration), strict=True):
        assert re.fullmatch(rf"{name}: [+-]\d+\.\d% of the time of prediction .*", line)
    assert re.fullmatch(r"evaluation: \d+\.\d\d of the model's own rate", share)


def test_metrics_need_data():
    with pytest.raises(SystemExit, match="metrics needs --data-dir"):
        inference.main(["metrics"])


@pytest.mark.slow
def test_the_memory_of_windows_is_within_the_stated_bound(capsys):
    network = ["--network", "LightWeightRefineNet", "--filters", "16"]
    inference.main(["memory", *network, "--size", "2048", "--tile", "256", "--overlap", "64"])
    lines = capsys.readouterr().out.splitlines()
    own, whole, over = (float(re.search(r": (-?\d+\.\d\d) GB", line).group(1)) for line in lines)
    protocol = Protocol(tile=256, overlap=64)
    bound = inference.bound_of_windows(protocol, 2048, inference.CLASSES) / inference.GIGABYTE
    assert f"stated bound: {bound:.2f} GB" in lines[-1]
    assert bound < 0.2  # of all pixels the probabilities would take 0.35 GB
    assert 0 < own < whole < own + bound
    assert over == pytest.approx(whole - own, abs=0.011)
