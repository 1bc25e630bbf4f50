"""What runs left, for comparisons."""

import csv
import json
from pathlib import Path

import keras
import numpy as np


def checkpoint(run_dir: Path) -> dict[str, np.ndarray]:
    """Returns every variable of the one checkpoint, by its place and its name."""
    (folder,) = (run_dir / "checkpoint").glob("epoch-*")
    names = json.loads((folder / "state.json").read_text())["variables"]
    with np.load(folder / "variables.npz") as saved:
        return {f"{i} {name.split('/')[-1]}": saved[str(i)] for i, name in enumerate(names)}


def weights(run_dir: Path, name: str = "model.keras") -> dict[str, np.ndarray]:
    """Returns the weights of a saved model by their path."""
    model = keras.models.load_model(run_dir / name)
    return {variable.path: variable.numpy() for variable in model.weights}


def assert_equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    """Bit for bit."""
    assert [key.split()[-1] for key in one] == [key.split()[-1] for key in other]
    for key, value in one.items():
        np.testing.assert_array_equal(value, other[key], err_msg=key)


def assert_same_result(run_dir: Path, other: Path) -> None:
    """Every weight, statistic, moment and average of two runs, bit for bit, and their history."""
    assert_equal(weights(run_dir), weights(other))
    assert_equal(weights(run_dir, "best.keras"), weights(other, "best.keras"))
    assert_equal(checkpoint(run_dir), checkpoint(other))
    assert history(run_dir) == history(other)


def history(run_dir: Path) -> list[dict[str, str]]:
    """Returns the rows of `history.csv`."""
    with (run_dir / "history.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def contents(folder: Path) -> dict[str, bytes]:
    """Returns every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
