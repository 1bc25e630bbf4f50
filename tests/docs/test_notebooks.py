"""The notebooks of the documentation, run from the first cell to the last."""

import json
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
    NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(folder)}}).execute()
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
    scores = [
        float(line.split("mean_iou: ")[1])
        for line in cell["outputs"][0]["text"].splitlines()
        if "mean_iou: " in line
    ]
    assert len(scores) == 2
    assert scores[1] > scores[0] > 0


@pytest.mark.slow
def test_the_models_notebook_loads_what_it_saved(models) -> None:
    assert outputs(models[-1], "text/plain") == ["True"]
