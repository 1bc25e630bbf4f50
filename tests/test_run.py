import json

import keras
import numpy as np
import pytest

from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet
from kerasseg.layers import ResidualConvUnit
from kerasseg.run import SCHEMA_VERSION, Run, RunDescription

VALUES = {
    "schema_version": SCHEMA_VERSION,
    "kerasseg_version": "0.1.0",
    "architecture": "EfficientFCN",
    "class_names": ["road", "car"],
    "palette": [[128, 64, 128], [0, 0, 142]],
    "ignore_label": 255,
    "dataset": "folder",
    "fingerprint": {"sha256": "ab12", "images": 367},
    "recipe_hash": "cd34",
    "versions": {"keras": "3.15.1"},
    "commit": "0123abcd-dirty",
}

REMEDY = "Restore the file, or train into another directory."


@pytest.fixture
def run(tmp_path) -> Run:
    """A run whose description has been written and nothing else."""
    run = Run(tmp_path / "run")
    run.describe(RunDescription.model_validate(VALUES))
    return run


def _rewrite(run: Run, **changes: object) -> None:
    run.file("run.json").write_text(json.dumps({**VALUES, **changes}))


def _message(run: Run) -> str:
    with pytest.raises(KerassegError) as error:
        Run.open(run.path)
    message = str(error.value)
    assert len(message.splitlines()) <= 2
    return message


def test_description_is_read_as_it_was_written(run):
    assert Run.open(run.path).description == RunDescription.model_validate(VALUES)
    assert json.loads(run.file("run.json").read_text()) == VALUES


def test_a_run_from_before_the_commit_was_noted_is_read(run):
    values = {key: value for key, value in VALUES.items() if key != "commit"}
    run.file("run.json").write_text(json.dumps(values))
    assert Run.open(run.path).description.commit == ""


def test_labels_are_those_of_the_description(run):
    expected = LabelSet(("road", "car"), ((128, 64, 128), (0, 0, 142)), 255)
    assert run.description.labels == expected


def test_files_lie_in_the_directory(run):
    assert run.file("metrics.json") == run.path / "metrics.json"


def test_model_is_loaded_with_its_custom_layers(run):
    images = keras.Input((None, None, 4))
    model = keras.Model(images, ResidualConvUnit(4)(images))
    model.compile("sgd", "mse")
    model.save(run.file("model.keras"))
    loaded = run.load_model()
    x = np.ones((1, 5, 6, 4))
    assert np.array_equal(loaded(x), model(x))
    assert not loaded.compiled


def test_model_that_is_not_there_yet(run):
    message = r"holds no best\.keras: has its training ended\? The command that started it goes on"
    with pytest.raises(KerassegError, match=message):
        run.load_model("best.keras")


def test_no_such_directory(tmp_path):
    message = _message(Run(tmp_path / "nowhere"))
    assert message.startswith(f"no such run directory: {tmp_path / 'nowhere'}.")


def test_a_directory_that_holds_no_run(tmp_path):
    assert _message(Run(tmp_path)) == (
        f"{tmp_path} is not a run directory: it holds no run.json. Give the one that "
        "training.train named."
    )


@pytest.mark.parametrize("content", [b"{half of", b"\xff\xfe\x00", b""])
def test_description_that_is_not_json(run, content):
    run.file("run.json").write_bytes(content)
    message = _message(run)
    assert message.startswith(f"{run.file('run.json')} is not JSON: ")
    assert message.endswith(REMEDY)


def test_description_that_is_no_object(run):
    run.file("run.json").write_text("[1, 2]")
    message = _message(run)
    assert "holds no JSON object" in message
    assert message.endswith(REMEDY)


def test_description_of_a_newer_schema_names_the_version_to_use(run):
    _rewrite(run, schema_version=2, kerasseg_version="9.0", a_key_of_the_future=1)
    assert _message(run) == (
        f"{run.file('run.json')} has schema version 2; this kerasseg reads version 1. "
        "Use kerasseg 9.0."
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ignore_label": "void"}, "ignore_label: "),
        ({"palette": [[1, 2]]}, "palette.0"),
        ({"colours": []}, "colours: Extra inputs"),
    ],
)
def test_description_with_a_wrong_key_names_it(run, changes, named):
    _rewrite(run, **changes)
    assert named in _message(run)
    assert str(run.file("run.json")) in _message(run)
    assert _message(run).endswith(REMEDY)


def test_description_without_a_key_names_it(run):
    values = {key: value for key, value in VALUES.items() if key != "class_names"}
    run.file("run.json").write_text(json.dumps(values))
    assert "class_names: Field required" in _message(run)
