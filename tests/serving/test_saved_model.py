import json
import threading

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet
from kerasseg.serving import export_saved_model, saved_model
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

    monkeypatch.setattr(saved_model, "_write_extras", fail)
    with pytest.raises(RuntimeError, match="on fire"):
        export(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_version_taken_meanwhile_is_left_alone(model, tmp_path, monkeypatch):
    write_extras, rival = saved_model._write_extras, tmp_path / "1" / "saved_model.pb"

    def write_with_a_rival(*arguments):
        if not rival.exists():
            rival.parent.mkdir()
            rival.write_bytes(b"of another export")
        write_extras(*arguments)

    monkeypatch.setattr(saved_model, "_write_extras", write_with_a_rival)
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


def test_only_operations_of_tensorflow_itself_are_in_the_graph(saved_model):
    stored = saved_model_pb2.SavedModel()
    stored.ParseFromString((saved_model / "saved_model.pb").read_bytes())
    graph = stored.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    functions = {function.signature.name for function in graph.library.function}
    operations = {node.op for node in nodes} - functions
    assert {"DecodeImage", "EncodePng", "Conv2D", "ArgMax"} <= operations
    assert not {name for name in operations if "Py" in name or ">" in name}


def test_every_weight_is_stored_once(saved_model, model):
    reader = tf.train.load_checkpoint(str(saved_model / "variables" / "variables"))
    dtypes, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
    stored = sum(np.prod(shape) for name, shape in shapes.items() if dtypes[name] == tf.float32)
    assert stored == model.count_params()


def test_labels_of_another_number_are_refused(model, tmp_path):
    with pytest.raises(KerassegError, match="labels name 2 classes, the model gives 5"):
        export(model, tmp_path, labels=LabelSet(("road", "car")))


@pytest.mark.parametrize("name", ["labels.json", "../escape.txt", "", "a/b"])
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
