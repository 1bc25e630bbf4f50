"""The notebooks of the documentation, run from the first cell to the last."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"


def outputs(cell: dict[str, Any], kind: str) -> list[Any]:
    found = [output.get("data", {}).get(kind) for output in cell.get("outputs", [])]
    return [one for one in found if one is not None]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Returns the cells of `models.ipynb` after they ran in a kernel of their own."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(FOLDER / "models.ipynb", as_version=4)
    folder = tmp_path_factory.mktemp("notebook")
    client = NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(folder)}})
    client.execute(env={**os.environ, "PYTHONPATH": str(FOLDER.parents[1])})
    return notebook.cells


def test_the_notebooks_hold_no_outputs() -> None:
    for path in FOLDER.glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        assert cells
        assert [cell["source"] for cell in cells if cell.get("outputs")] == [], path.name


@pytest.mark.slow
def test_the_models_notebook_shows_predictions_and_weighting_maps(models) -> None:
    pictures = [len(outputs(cell, "image/png")) for cell in models]
    assert sum(pictures) == 4


@pytest.mark.slow
def test_the_models_notebook_learns_something(models) -> None:
    (cell,) = [cell for cell in models if "history = " in cell["source"]]
    printed = "".join(one["text"] for one in cell["outputs"] if one["output_type"] == "stream")
    scores = [float(score) for score in re.findall(r"mean_iou: ([\d.]+)", printed)]
    assert len(scores) == 2
    assert scores[1] > scores[0] > 0


@pytest.mark.slow
def test_the_models_notebook_loads_what_it_saved(models) -> None:
    assert outputs(models[-1], "text/plain") == ["True"]
