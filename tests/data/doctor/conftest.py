import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.data.files import write_folder
from tests.data.trees.pictures import photo, save

CHOSEN = {"train": (12, 30), "val": (6, 16)}  # how many, and every how many files


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    """What is converted goes elsewhere than to the user's cache."""
    monkeypatch.setenv("KERASSEG_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def few_of_camvid(request, tmp_path_factory) -> Path:
    """Eighteen pairs of CamVid in which every class occurs in both splits. Not to be written to.

    Where CamVid is not there they are drawn: the doctor looks for the same faults in them.
    """
    folder = tmp_path_factory.mktemp("few") / "camvid"
    if not os.environ.get("KERASSEG_CAMVID"):
        return _drawn(folder)
    camvid = request.getfixturevalue("camvid")
    for split, (count, step) in CHOSEN.items():
        for kind in ("images", "labels"):
            (folder / split / kind).mkdir(parents=True)
            for path in sorted((camvid / split / kind).iterdir())[::step][:count]:
                shutil.copyfile(path, folder / split / kind / path.name)
    return folder


def _drawn(folder: Path) -> Path:
    generator = np.random.default_rng(11)
    for split, (count, _) in CHOSEN.items():
        for number in range(count):
            # All classes twice and void once, then any of them.
            blocks = np.concatenate([np.arange(12), np.arange(11), generator.integers(0, 11, 169)])
            ids = np.kron(generator.permutation(blocks).reshape(12, 16), np.ones((30, 30), int))
            name = f"0001TP_{number:06}"
            save(photo(ids, generator), folder / split / "images" / f"{name}.jpg")
            save(ids.astype(np.uint8), folder / split / "labels" / f"{name}.png")
    return folder


@pytest.fixture
def folder(tmp_path) -> Path:
    """A little folder data set of three classes."""
    path = tmp_path / "photos"
    write_folder(path, [(40, 48)] * 4, "train", suffix=".jpg")
    write_folder(path, [(48, 48)] * 2, "val", suffix=".jpg")
    return path
