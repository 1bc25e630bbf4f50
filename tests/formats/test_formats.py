"""What holds of every format."""

import json

import keras
import numpy as np
import pytest

import kerasseg
from kerasseg.errors import KerassegError
from kerasseg.evaluation import Predictor, Protocol
from kerasseg.formats import open_artifact
from kerasseg.serving.slimming import slim
from tests.formats.examples import (
    BATCHES,
    SMALL,
    Resized,
    batch,
    model_with,
    network,
    probabilities,
)

FORMATS = {
    "onnx": (kerasseg.export_onnx, ".onnx"),
    "litert": (kerasseg.export_litert, ".tflite"),
    "openvino": (kerasseg.export_openvino, ".xml"),
}


@pytest.fixture(params=FORMATS)
def exported(request, tmp_path):
    """The function that exports into a file named `out`."""
    export, suffix = FORMATS[request.param]
    return lambda model, **options: export(model, tmp_path / f"out{suffix}", **options)


def test_answers_are_those_of_the_model_at_any_size(exported, model):
    session = open_artifact(exported(model))
    for shape in BATCHES:
        pixels = batch(shape)
        found = session.run(pixels)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, probabilities(model, pixels), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_every_network_is_brought_over(exported, name):
    model = network(name)
    session = open_artifact(exported(model))
    for shape in BATCHES:
        pixels = batch(shape)
        np.testing.assert_allclose(session.run(pixels), probabilities(model, pixels), atol=1e-5)


@pytest.mark.slow
def test_a_model_of_mixed_precision_is_rebuilt_in_float32(exported):
    model = network("EfficientFCN", dtype="mixed_bfloat16")
    pixels = batch((1, 45, 77))
    expected = probabilities(slim(model, precision="float32").model, pixels)
    np.testing.assert_allclose(open_artifact(exported(model)).run(pixels), expected, atol=1e-5)


@pytest.mark.slow
def test_masks_of_several_views(exported, model):
    protocol = Protocol(scales=(0.5, 1.0), flip=True)
    session = open_artifact(exported(model, output="mask", protocol=protocol))
    pixels = batch((2, 45, 77))
    found = session.run(pixels)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, Predictor(model, protocol).classes(pixels))


def test_the_file_says_what_its_classes_are(exported, model, labels):
    protocol = Protocol(scales=(0.5, 1.0))
    record = open_artifact(exported(model, labels=labels, protocol=protocol)).record
    assert record.class_names == labels.class_names
    assert record.palette == labels.colours
    assert (record.ignore_label, record.output, record.precision) == (
        11,
        "probabilities",
        "float32",
    )
    assert record.views == protocol
    assert "RGB, 0..255" in record.pixels


@pytest.mark.parametrize(
    "layer",
    [Resized(antialias=True), Resized("bicubic")],
    ids=["antialias", "bicubic"],
)
def test_what_cannot_be_brought_over_exactly_is_refused(exported, layer, tmp_path):
    with pytest.raises(KerassegError, match=r"cannot be converted to|answers otherwise than"):
        exported(model_with(layer))
    assert [*tmp_path.iterdir()] == []


@pytest.mark.slow
@pytest.mark.parametrize("layer", [keras.layers.Conv2DTranspose(5, 3, 2, "same"), Resized()])
def test_what_has_a_counterpart_is_brought_over(exported, layer):
    model = model_with(layer)
    pixels = batch((1, 44, 76))
    found = open_artifact(exported(model)).run(pixels)
    np.testing.assert_allclose(found, probabilities(model, pixels), atol=1e-5)


def test_nothing_is_overwritten_unasked(exported, model):
    path = exported(model)
    before = path.read_bytes()
    with pytest.raises(KerassegError, match="is there already: give another name, or replace it"):
        exported(model)
    assert path.read_bytes() == before
    exported(model, output="mask", overwrite=True)
    assert open_artifact(path).record.output == "mask"


def test_bad_arguments_are_named(exported, model, labels):
    with pytest.raises(KerassegError, match="unknown precision of"):
        exported(model, precision="int4")
    with pytest.raises(KerassegError, match="labels name 5 classes, the model gives 3"):
        exported(network("RefineNet", num_classes=3), labels=labels)
    images = keras.Input((None, None, 3))
    nameless = keras.Model(images, keras.layers.Conv2D(2, 3, padding="same")(images))
    with pytest.raises(KerassegError, match="last layer is named 'conv2d"):
        exported(nameless)


@pytest.mark.parametrize("name", FORMATS)
def test_the_suffix_is_that_of_the_format(name, model, tmp_path):
    export, suffix = FORMATS[name]
    with pytest.raises(KerassegError, match=rf"has to end in \{suffix}"):
        export(model, tmp_path / "out.pb")


def test_what_cannot_be_opened_is_named(tmp_path, model):
    with pytest.raises(KerassegError, match="no such file"):
        open_artifact(tmp_path / "missing.onnx")
    for name in ("leaves.h5", "leaves"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(
            KerassegError, match=r"give a file that ends in \.onnx, \.tflite, \.xml"
        ):
            open_artifact(tmp_path / name)
    for suffix in (".onnx", ".xml"):
        (tmp_path / f"torn{suffix}").write_bytes(b"torn")
        with pytest.raises(KerassegError, match=r"cannot be loaded: .*Export it again"):
            open_artifact(tmp_path / f"torn{suffix}")
    path = kerasseg.export_litert(model, tmp_path / "leaves.tflite")
    beside = tmp_path / "leaves.tflite.json"
    beside.write_text(json.dumps({"class_names": []}))
    with pytest.raises(KerassegError, match="do not say how it was exported"):
        open_artifact(path)
    beside.unlink()
    with pytest.raises(KerassegError, match="move both together"):
        open_artifact(path)
