"""What `import kerasseg` brings along."""

import json
from pathlib import Path

import pytest

import kerasseg
from tests.processes import CHECKOUT, run_python

# Imported where they are used: each costs time, or is there in an extra alone.
LATE = (
    "PIL",
    "ai_edge_litert",
    "av",
    "grpc",
    "httpx2",
    "keras_cv",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "openvino",
    "pycocotools",
    "pyarrow",
    "pydantic",
    "pydensecrf",
    "rasterio",
    "ray",
    "scipy",
    "sklearn",
    "starlette",
    "tensorboard",
    "tensorflow_datasets",
    "tensorflow_serving",
    "tf2onnx",
    "uvicorn",
)
PROGRAM = """
import json, sys
import keras
before = set(sys.modules)
import kerasseg
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> list[str]:
    """The modules that `import kerasseg` imports beside those of `import keras`."""
    return json.loads(run_python("-c", PROGRAM, cwd=tmp_path_factory.mktemp("elsewhere")))


@pytest.mark.parametrize("package", LATE)
def test_is_imported_where_it_is_used(imported, package):
    assert [name for name in imported if name.split(".")[0] == package] == []


def test_training_and_export_are_not_imported(imported):
    own = [name for name in imported if name.startswith(("kerasseg", "training", "export"))]
    assert "kerasseg.layers.resize_to" in own
    assert {name.split(".")[0] for name in own} == {"kerasseg"}


@pytest.mark.parametrize("file", sorted((CHECKOUT / "kerasseg").rglob("*.py")), ids=str)
def test_library_never_imports_a_program(file: Path):
    for line in file.read_text().splitlines():
        assert not line.strip().startswith(("from training", "import training"))
        assert not line.strip().startswith(("from export", "import export"))


def test_every_public_name_is_there():
    assert len(set(kerasseg.__all__)) == len(kerasseg.__all__)
    assert all(hasattr(kerasseg, name) for name in kerasseg.__all__)


@pytest.mark.parametrize(("room", "limit"), [("kerasseg", 300), ("training", 150), ("export", 150)])
def test_files_are_short(room, limit):
    lengths = {
        str(file): len(file.read_text().splitlines()) for file in (CHECKOUT / room).rglob("*.py")
    }
    assert lengths
    assert {file: length for file, length in lengths.items() if length >= limit} == {}
