"""The lines of docs/export.md that load what was exported, run as they are written."""

import re
from pathlib import Path

import pytest

import kerasseg
from kerasseg.formats import LIMITS
from kerasseg.label_set import LabelSet
from tests.serving.examples import encoded, picture, tiny_model

PAGE = (Path(__file__).parents[2] / "docs" / "export.md").read_text()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    labels = LabelSet(("sky", "road", "car", "tree", "pole"))
    kerasseg.export_onnx(tiny_model(), "leaves.onnx", labels=labels)
    kerasseg.export_openvino(tiny_model(), "leaves.xml", labels=labels)
    Path("leaf.jpg").write_bytes(encoded(picture(48, 64), "JPEG"))


def test_the_lines_run_as_written(folder, capsys):
    onnx, openvino = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}
    exec(onnx, names)
    assert re.fullmatch(r"(sky|road|car|tree|pole) at the top left\n", capsys.readouterr().out)
    assert names["probabilities"].shape == (1, 48, 64, 5)
    exec(openvino, names)
    assert str(names["compiled"].get_property("INFERENCE_PRECISION_HINT")) == "<Type: 'float32'>"


def test_the_limits_are_those_that_are_kept():
    assert LIMITS["float32"].probability == 1e-4
    assert "| every probability within 1e-4 |" in PAGE
    for name in ("float16", "bfloat16", "int8"):
        (row,) = [line for line in PAGE.splitlines() if re.match(rf"\| {name}\b", line)]
        assert f"{100 * LIMITS[name].other_class:g} %" in row
        assert re.search(rf"\b{100 * LIMITS[name].mean_iou:g} point", row)
