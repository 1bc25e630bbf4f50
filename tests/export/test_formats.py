"""The programs export.onnx, export.litert and export.openvino, and export.verify of their files."""

import json
import re

import numpy as np
import onnx
import pytest
from PIL import Image

from export import litert, openvino, verify
from export import onnx as onnx_program
from kerasseg.formats import open_artifact
from tests.tiny import RECIPE

PROGRAMS = {".onnx": onnx_program, ".tflite": litert, ".xml": openvino}
CLASSES = 'class_names = ["sky", "road", "car", "tree", "pole"]\nignore_label = 11'


@pytest.fixture
def data(run, tmp_path):
    """The data set of the run."""
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for number in range(3):
            for kind, shape in (("images", (40, 56, 3)), ("labels", (40, 56))):
                folder = tmp_path / "data" / split / kind
                folder.mkdir(parents=True, exist_ok=True)
                values = random.integers(0, 5 if kind == "labels" else 256, shape, np.uint8)
                Image.fromarray(values).save(folder / f"{number}.png")
    recipe = RECIPE.replace('"tiny"', '"mobilenetv2"').replace(
        'class_names = ["ground", "box", "ball"]', f'{CLASSES}\ndirectory = "{tmp_path / "data"}"'
    )
    run.file("recipe.toml").write_text(recipe)
    return tmp_path / "data"


@pytest.mark.parametrize("suffix", PROGRAMS)
def test_a_run_becomes_a_file_that_is_verified(run, tmp_path, capsys, suffix):
    out = tmp_path / f"leaves{suffix}"
    assert PROGRAMS[suffix].main([str(run.path), str(out)]) == 0
    printed = capsys.readouterr().out
    assert re.search(rf"model\.keras -> {out} \(0\.\d MB, float32\)", printed)
    assert f"python -m export.verify {run.path} {out}\n" in printed
    assert open_artifact(out).record.class_names == ("sky", "road", "car", "tree", "pole")
    assert verify.main([str(run.path), str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{out} against {run.file('model.keras')}, 2 images"
    assert lines[2].split()[:2] == ["probabilities", "2"]
    assert lines[3].split()[:2] == ["hostile", "10"]
    assert lines[-1].startswith("Agreement: the tolerance is 0.0001 of a probability")


def test_several_files_are_verified_on_the_data_and_named_images(run, data, tmp_path, capsys):
    files = [str(tmp_path / name) for name in ("a.onnx", "int8.onnx")]
    image = run.file("samples/a.jpg")
    assert onnx_program.main([str(run.path), files[0], "--output", "mask", "--best"]) == 0
    options = ["--precision", "int8", "--calibration-images", "2", "--seed", "3"]
    assert onnx_program.main([str(run.path), files[1], *options, "--scales", "0.5", "1"]) == 0
    record = open_artifact(files[1]).record
    assert record.calibration == {"images": 2, "split": "train", "seed": 3}
    assert record.views.scales == (0.5, 1.0)
    capsys.readouterr()
    arguments = [str(run.path), *files, str(image), "--data-dir", str(data), "--images", "2"]
    assert verify.main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out.count("against") == 2
    assert printed.out.count("(2 images)") == 2
    assert "Disagreement" in printed.out.split("int8.onnx")[0]
    assert re.search(r"\n  mask: a probability is off by \d", printed.out)
    assert "exported from these weights" in printed.err


def test_metadata_are_those_of_the_run(run, tmp_path):
    out = tmp_path / "leaves.onnx"
    assert onnx_program.main([str(run.path), str(out), "--flip"]) == 0
    metadata = {each.key: each.value for each in onnx.load(out).metadata_props}
    assert json.loads(metadata["palette"])[1] == [60, 0, 0]
    assert json.loads(metadata["protocol"])["flip"] is True
    assert metadata["ignore_label"] == "11"


def test_bad_input_ends_with_a_message_and_status_2(run, data, tmp_path, capsys):
    path, out = str(run.path), str(tmp_path / "leaves.onnx")
    cases = {
        "no such run directory": [str(tmp_path / "nowhere"), out],
        "has to end in .onnx": [path, str(tmp_path / "leaves")],
        "--seed is for --precision int8: leave it out": [path, out, "--seed", "1"],
        "--calibration-images 0: give at least 1": [
            *(path, out, "--precision", "int8", "--calibration-images", "0")
        ],
        "no such data directory": [
            *(path, out, "--precision", "int8", "--data-dir", str(tmp_path / "none"))
        ],
    }
    for message, arguments in cases.items():
        assert onnx_program.main(arguments) == 2
        assert message in capsys.readouterr().err
    assert verify.main([path, out]) == 2
    assert "no such file" in capsys.readouterr().err
    assert verify.main([path, str(run.file("samples/a.jpg"))]) == 2
    assert "name what was exported" in capsys.readouterr().err
