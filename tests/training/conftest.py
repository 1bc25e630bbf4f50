import shutil
from pathlib import Path

import pytest
from tensorflow.python.framework import config

from tests.data.files import write_folder
from tests.tiny import RECIPE, tiny_backbone
from training.train import main


@pytest.fixture(scope="package", autouse=True)
def tiny():
    """The backbone `tiny`; runs are deterministic, which TensorFlow is to forget afterwards."""
    with tiny_backbone():
        yield
    config.disable_op_determinism()


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """Five pictures to learn from and four, of two sizes, to measure on."""
    folder = tmp_path_factory.mktemp("data")
    write_folder(folder, [(64, 80), (72, 64), (80, 96), (64, 64), (70, 90)], suffix=".jpg")
    write_folder(folder, [(64, 96), (75, 64), (64, 96), (75, 64)], split="val", suffix=".jpg")
    return folder


@pytest.fixture(scope="session")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipes") / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def train(recipe, data_dir):
    """Runs the program and returns its exit status."""

    def run(run_dir: Path, *settings: str, data=data_dir, recipe=recipe, arguments=()) -> int:
        chosen = [part for setting in settings for part in ("--set", setting)]
        places = ["--data-dir", str(data), "--run-dir", str(run_dir)]
        return main([str(recipe), *places, *chosen, *arguments])

    return run


@pytest.fixture(scope="session")
def undisturbed(train, tmp_path_factory):
    """A run that has ended and that nothing ever stopped. Not to be written to."""
    run_dir = tmp_path_factory.mktemp("runs") / "undisturbed"
    with tiny_backbone():
        assert train(run_dir) == 0
    return run_dir


@pytest.fixture
def finished(undisturbed, tmp_path):
    """A copy of the run that has ended, to be written to."""
    return Path(shutil.copytree(undisturbed, tmp_path / "finished"))
