import argparse

import pytest

from benchmarks import export_formats, export_memory


def figures(seconds, **changed):
    found = {"bytes": 2e6, "seconds": seconds, "mean_iou": 0.7, "other_class": 0.0, "images": 9}
    return {**found, **changed}


def test_a_form_is_compared_with_float32_of_its_own_runtime():
    by_name = {form.name: form for form in export_formats.FORMS}
    found = {
        by_name["Keras, compiled, as trained"]: figures(0.3),
        by_name["Keras, compiled, float32"]: figures(0.6),
        by_name["ONNX float32"]: figures(0.2),
        by_name["ONNX int8"]: figures(0.1, mean_iou=0.695, other_class=0.01),
        by_name["OpenVINO float32"]: figures(0.4),
        by_name["OpenVINO bfloat16"]: figures(0.1),
    }
    lines = export_formats.table(found, argparse.Namespace(run="runs/a", threads=2)).splitlines()
    faster = {line.split(" | ")[0][2:]: line.split(" | ")[3] for line in lines[2:8]}
    assert faster == {
        "Keras, compiled, as trained": "2.00",
        "Keras, compiled, float32": "-",
        "ONNX float32": "-",
        "ONNX int8": "2.00",
        "OpenVINO float32": "-",
        "OpenVINO bfloat16": "4.00",
    }
    assert lines[5] == "| ONNX int8 | 2.0 | 100.0 | 2.00 | 0.6950 | 1.00 % |"
    assert lines[-1] == "`a`, 2 threads, 9 images."


@pytest.mark.slow
def test_an_export_has_less_than_8_gigabytes(capsys):
    export_memory.main(["--network", "RefineNet", "--backbone", "resnet50", "--formats", "onnx"])
    row = capsys.readouterr().out.splitlines()[2].split(" | ")
    assert row[0] == "| onnx"
    assert 0.5 < float(row[2]) < 8
