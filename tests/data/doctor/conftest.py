import shutil
from pathlib import Path

import pytest

from tests.data.files import write_folder

CHOSEN = {"train": (12, 30), "val": (6, 16)}  # how many, and every how many files


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    """What is converted goes elsewhere than to the user's cache."""
    monkeypatch.setenv("KERASSEG_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def few_of_camvid(camvid, tmp_path_factory) -> Path:
    """Eighteen pairs of CamVid in which every class occurs in both splits. Not to be written to."""
    folder = tmp_path_factory.mktemp("few") / "camvid"
    for split, (count, step) in CHOSEN.items():
        for kind in ("images", "labels"):
            (folder / split / kind).mkdir(parents=True)
            for path in sorted((camvid / split / kind).iterdir())[::step][:count]:
                shutil.copyfile(path, folder / split / kind / path.name)
    return folder


@pytest.fixture
def folder(tmp_path) -> Path:
    """A little folder data set of three classes."""
    path = tmp_path / "photos"
    write_folder(path, [(40, 48)] * 4, "train", suffix=".jpg")
    write_folder(path, [(48, 48)] * 2, "val", suffix=".jpg")
    return path
