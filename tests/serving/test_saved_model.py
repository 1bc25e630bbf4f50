import json
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from kerasseg.errors import KerassegError
from kerasseg.evaluation import Protocol
from kerasseg.label_set import LabelSet
from kerasseg.serving import c_api, export_saved_model, read_record
from kerasseg.serving import saved_model as saved_model_module
from tests.serving.examples import tiny_model


def export(model, path, **options):
    return export_saved_model(model, path, **{"warmup_images": (), **options})


def test_each_export_is_the_version_above_the_highest(model, tmp_path):
    (tmp_path / "7").mkdir()
    (tmp_path / "notes").mkdir()
    assert export(model, tmp_path) == tmp_path / "8"
    assert export(model, tmp_path) == tmp_path / "9"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["7", "8", "9", "notes"]


def test_a_failed_export_leaves_nothing(model, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(saved_model_module, "_write_extras", fail)
    with pytest.raises(RuntimeError, match="on fire"):
        export(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_version_taken_meanwhile_is_left_alone(model, tmp_path, monkeypatch):
    write_extras, rival = saved_model_module._write_extras, tmp_path / "1" / "saved_model.pb"

    def write_with_a_rival(*arguments):
        if not rival.exists():
            rival.parent.mkdir()
            rival.write_bytes(b"of another export")
        write_extras(*arguments)

    monkeypatch.setattr(saved_model_module, "_write_extras", write_with_a_rival)
    assert export(model, tmp_path) == tmp_path / "2"
    assert rival.read_bytes() == b"of another export"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]


def test_simultaneous_exports_get_a_version_each(tmp_path):
    models = [tiny_model(num_classes) for num_classes in (2, 3)]
    versions = []
    threads = [
        threading.Thread(target=lambda model=model: versions.append(export(model, tmp_path)))
        for model in models
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.name for path in versions) == ["1", "2"]
    classes = {
        len(json.loads((path / "assets.extra/labels.json").read_text())["class_names"])
        for path in versions
    }
    assert classes == {2, 3}


def test_names_and_colours_travel_along(model, tmp_path):
    labels = LabelSet(("sky", "road", "car", "tree", "pole"), ignore_label=11)
    version = export(model, tmp_path, labels=labels, assets={"recipe.toml": "seed = 1\n"})
    assets = version / "assets.extra"
    assert json.loads((assets / "labels.json").read_text()) == {
        "class_names": ["sky", "road", "car", "tree", "pole"],
        "palette": [list(colour) for colour in labels.colours],
        "ignore_label": 11,
    }
    assert (assets / "recipe.toml").read_text() == "seed = 1\n"


def test_without_labels_the_classes_are_numbered(saved_model):
    stored = json.loads((saved_model / "assets.extra/labels.json").read_text())
    assert stored["class_names"] == ["class_0", "class_1", "class_2", "class_3", "class_4"]
    assert stored["ignore_label"] == 255


def operations_of(version):
    """Returns the operations of a SavedModel, those of its functions too."""
    stored = saved_model_pb2.SavedModel()
    stored.ParseFromString((version / "saved_model.pb").read_bytes())
    graph = stored.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    functions = {function.signature.name for function in graph.library.function}
    return {node.op for node in nodes} - functions


def stock_operations():
    """Returns the operations with a kernel for processors in TensorFlow's own C++ library.

    A process without Python TensorFlow is asked, in which nothing else can have been registered.
    """
    program = f"""
import sys
sys.path.append({str(Path(c_api.__file__).parents[1])!r})
from c_api.kernels import registered_operations
print("\\n".join(sorted(registered_operations("CPU"))))
"""
    command = [sys.executable, "-I", "-c", program]
    return {*subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()}


def test_only_operations_of_a_stock_server_are_in_the_graph(saved_model, model, tmp_path):
    stock = stock_operations()
    assert len(stock) > 500
    # They have kernels, and call back into a Python that a server does not have, or read and
    # write its files.
    stock -= {"PyFunc", "PyFuncStateless", "EagerPyFunc", "ReadFile", "WriteFile"}
    # These have none: a graph's arguments, and what a loader makes other operations of.
    stock |= {"Placeholder", "If", "StatelessIf", "While", "StatelessWhile"}
    stock |= {"PartitionedCall", "StatefulPartitionedCall"}
    averaged = export(model, tmp_path, protocol=Protocol(scales=(0.5, 1), flip=True), frozen=False)
    for version in (saved_model, averaged):
        operations = operations_of(version)
        assert operations - stock == set()
        assert {"DecodeImage", "EncodePng", "EncodeJpeg", "Conv2D", "ArgMax"} <= operations


def test_every_weight_is_stored_once(model, tmp_path):
    version = export(model, tmp_path, frozen=False)
    reader = tf.train.load_checkpoint(str(version / "variables" / "variables"))
    dtypes, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
    stored = sum(np.prod(shape) for name, shape in shapes.items() if dtypes[name] == tf.float32)
    assert stored == model.count_params()


def test_frozen_weights_are_constants_once_and_of_half_the_size_in_16_bits(tmp_path):
    images = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(500, 3, padding="same")(images)
    x = keras.layers.Conv2D(300, 3, padding="same")(keras.layers.Dropout(0.5)(x))
    outputs = keras.layers.Conv2D(2, 1, name="logits")(x)
    model = keras.Model(images, outputs)
    sizes = {}
    for precision in ("float32", "bfloat16"):
        version = export(model, tmp_path / precision, precision=precision)
        operations = operations_of(version)
        assert not any("Variable" in name or "Random" in name for name in operations)
        sizes[precision] = (version / "saved_model.pb").stat().st_size
        assert read_record(version).precision == precision
    weights = 4 * model.count_params()
    assert weights < sizes["float32"] < 1.2 * weights
    assert weights / 2 < sizes["bfloat16"] < 0.7 * weights


def test_weights_that_a_graph_cannot_hold_stay_variables(model, tmp_path, monkeypatch):
    monkeypatch.setattr(saved_model_module, "FROZEN_UNASKED_BYTES", 100)
    monkeypatch.setattr(saved_model_module, "MOST_FROZEN_BYTES", 100)
    version = export(model, tmp_path)
    assert not read_record(version).frozen
    assert "ReadVariableOp" in operations_of(version)
    with pytest.raises(KerassegError, match="leave it out, and they stay variables"):
        export(model, tmp_path, frozen=True)


def test_how_it_was_exported_travels_along(model, tmp_path):
    protocol = Protocol(scales=(0.5, 1.0), flip=True)
    record = read_record(export(model, tmp_path, protocol=protocol, max_pixels=None))
    assert record.views == protocol
    assert (record.max_pixels, record.frozen, record.precision) == (None, True, "float32")
    assert record.kinds == {
        "serving_default": "bytes",
        "pixels": "pixels",
        "probabilities": "probabilities",
        "overlay": "overlay",
    }


def test_labels_of_another_number_are_refused(model, tmp_path):
    with pytest.raises(KerassegError, match="labels name 2 classes, the model gives 5"):
        export(model, tmp_path, labels=LabelSet(("road", "car")))


@pytest.mark.parametrize("name", ["labels.json", "export.json", "../escape.txt", "", "a/b"])
def test_assets_that_would_lie_elsewhere_are_refused(model, tmp_path, name):
    with pytest.raises(KerassegError, match="plain file name"):
        export(model, tmp_path, assets={name: "text"})


def test_paths_that_cannot_hold_versions_are_refused(model, saved_model, tmp_path):
    file = tmp_path / "file"
    file.write_text("text")
    with pytest.raises(KerassegError, match="is a file; give a directory"):
        export(model, file)
    with pytest.raises(KerassegError, match="cannot be written"):
        export(model, file / "below")
    with pytest.raises(KerassegError, match=f"is itself a SavedModel.*give {saved_model.parent}"):
        export(model, saved_model)
