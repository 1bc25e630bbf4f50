"""docs/prediction.md, its lines run as they are written."""

import importlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from kerasseg.evaluation import DenseCRF
from kerasseg.evaluation.prediction.inputs import VIDEO_SUFFIXES
from tests.training.test_predict import files
from training.predict import _parser

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "prediction.md").read_text()


def lines():
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture
def folder(undisturbed, data_dir, tmp_path, monkeypatch):
    """A place where the page's run and photos are."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(undisturbed, tmp_path / "runs/leaves")
    shutil.copytree(data_dir, tmp_path / "my_photos")
    (tmp_path / "list.txt").touch()
    os.utime(tmp_path / "list.txt", (0, 0))
    return tmp_path


def run_line(line, monkeypatch):
    before, _, command = line.rpartition("| ")
    if before:
        names = subprocess.run(shlex.split(before), capture_output=True, text=True, check=True)
        monkeypatch.setattr(sys, "stdin", io.StringIO(names.stdout))
    python, flag, program, *words = shlex.split(command)
    assert (python, flag) == ("python", "-m")
    assert importlib.import_module(program).main(words) == 0


@pytest.mark.slow
def test_the_lines_of_the_page_run(folder, monkeypatch):
    written = ["predicted", "new", "annotated", "refined"]
    for line in lines():
        run_line(line, monkeypatch)
    found = {name: files(folder / name) for name in written}
    assert all("prediction.json" in names for names in found.values())
    assert sum(name.startswith("overlays/") for name in found["predicted"]) == 4
    assert sum(name.startswith("masks/") for name in found["new"]) == 4
    assert "coco.json" in found["annotated"]
    (result,) = (folder / "runs/leaves/evaluation").glob("val*.json")
    assert "-crf-steps5-" in result.name


def test_every_option_and_suffix_and_key_is_named():
    options = re.findall(r"--[a-z-]+", _parser().format_help())
    assert {option for option in options if option not in PAGE} == {"--help"}
    for suffix in VIDEO_SUFFIXES:
        assert re.search(rf"\b{suffix[1:]}\b", PAGE)
    table = PAGE[PAGE.index("| key |") :]
    for each in fields(DenseCRF):
        assert f"`{each.name}`" in table
        assert re.search(rf"`{each.name}`.*\b{each.default:g}\b", table)
