"""What tiles change, told by the program and in every file that it leaves."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf

from kerasseg import data, predict
from kerasseg.evaluation import Protocol, read_image_counts
from kerasseg.evaluation.report.of_run import differences_of_tiles
from kerasseg.evaluation.result.wording import tile_lines
from kerasseg.run import Run
from tests.data.files import write_folder
from tests.evaluation.networks import random_model
from tests.evaluation.report.test_html_report import Page
from training.evaluate import main

SIZES = [(64, 80), (90, 300), (140, 100)]  # the second is the first that is larger than a tile
LINE = r"with an overlap of (\d+), (\d+\.\d\d) % of the pixels get another class than without tiles"


@pytest.fixture
def pairs(tmp_path):
    return write_folder(tmp_path / "data", SIZES, split="val")


@pytest.fixture
def evaluate(finished, pairs, tmp_path, capsys):
    """Runs the program by tiles of some side and returns what it says and its JSON, md and HTML."""

    def run(tile):
        arguments = ["--data-dir", str(tmp_path / "data"), "--name", "mine", "--tile", str(tile)]
        assert main([str(finished), *arguments]) == 0
        file = finished / "evaluation" / "mine.json"
        page = Page(file.with_suffix(".html").read_text()).text
        result, markdown = json.loads(file.read_text()), file.with_suffix(".md").read_text()
        return capsys.readouterr().out, result, markdown, page

    return run


@pytest.mark.slow
def test_what_tiles_change_at_three_overlaps_is_told_everywhere(evaluate, finished, pairs):
    said, result, markdown, page = evaluate(128)
    model, image = Run(finished).load_model(), data.read_pair(pairs[1])[0][:256, :256]
    shares = {
        str(overlap): np.mean(
            predict(model, image, Protocol(tile=128, overlap=overlap)) != predict(model, image)
        )
        for overlap in (0, 32, 64)
    }
    assert result["tile_differences"] == shares
    assert max(shares.values()) > 0
    rounded = {overlap: f"{100 * share:.2f}" for overlap, share in shares.items()}
    assert dict(re.findall(LINE, said)) == rounded
    rows = markdown.partition("### What tiles change")[2]
    assert dict(re.findall(r"^\| (\d+) \| (\d+\.\d\d) % \|$", rows, re.MULTILINE)) == rounded
    for overlap, share in rounded.items():
        place = page.index(f"other class than without tiles, overlap {overlap}")
        assert page[place + 1] == f"{share} % of the pixels"
    for text in (said, markdown, page[page.index("tiles") + 1]):
        assert "f the first image that is larger than a tile of 128 pixels" in text
        assert "multiple of 32" not in text


def test_small_tiles_have_fewer_overlaps_and_that_is_said(pairs):
    protocol = Protocol(tile=64)
    found = differences_of_tiles(random_model(), pairs, protocol)
    assert list(found) == [0, 32]
    said = tile_lines({"protocol": protocol.to_json(), "tile_differences": found})
    assert [overlap for overlap, _ in re.findall(LINE, "\n".join(said))] == ["0", "32"]
    assert said[-1].endswith("; an overlap is a multiple of 32 and at most half of a tile)")


def test_an_image_that_memory_is_too_small_for_is_told_of_everywhere(evaluate, monkeypatch):
    def too_large(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr("kerasseg.evaluation.report.of_run.tile_differences", too_large)
    said, result, markdown, page = evaluate(128)
    assert result["tile_differences"] == {}
    assert not re.search(LINE, said)
    for text in (said, markdown, page[page.index("tiles") + 1]):
        assert (
            "hat tiles change is not known: the first image that is larger than a tile of" in text
        )
        assert "could not be seen whole; if for want of memory, say a smaller --tile" in text


def test_an_end_while_an_image_is_seen_whole_loses_no_evaluation(
    finished, pairs, tmp_path, capsys, monkeypatch
):
    def end(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("kerasseg.evaluation.report.of_run.tile_differences", end)
    arguments = ["--data-dir", str(tmp_path / "data"), "--name", "mine", "--tile", "128"]
    assert main([str(finished), *arguments]) == 130
    file = finished / "evaluation" / "mine.json"
    result = json.loads(file.read_text())
    assert f"mean IoU {result['mean_iou']:.3f}" in capsys.readouterr().out
    for suffix in (".md", ".html"):
        assert "could not be seen whole" in file.with_suffix(suffix).read_text()
    assert read_image_counts(Run(finished), "mine").names == tuple(p.image.name for p in pairs)


def test_why_there_is_nothing_to_tell_where_every_image_fits_a_tile(evaluate):
    said, result, markdown, page = evaluate(320)
    assert result["tile_differences"] is None
    assert not re.search(LINE, said)
    for text in (said, markdown, page[page.index("tiles") + 1]):
        assert "very image fits into a tile of 320 pixels and is seen whole" in text
