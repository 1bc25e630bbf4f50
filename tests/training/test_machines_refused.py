"""Machines that cannot train together are told so before anything is computed."""

import json
from unittest.mock import Mock

import pytest
import tensorflow as tf

from tests.ports import free_addresses


@pytest.fixture
def refused(train, tmp_path, monkeypatch, capsys):
    """Runs the program with a TF_CONFIG and returns its message."""

    def run(text, *settings):
        monkeypatch.setenv("TF_CONFIG", text)
        monkeypatch.setattr("kerasseg.experiment.experiment.find_splits", None)
        assert train(tmp_path / "run", *settings) == 2
        assert not (tmp_path / "run").exists()
        return capsys.readouterr().err.splitlines()[-1]

    return run


def config(addresses, index=0):
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": task})


def test_a_malformed_variable(refused):
    assert refused("{worker").startswith("error: TF_CONFIG is not JSON")


@pytest.mark.parametrize("index", [0, 1])
def test_another_machine_that_never_starts(refused, index):
    addresses = free_addresses(2)
    said = refused(config(addresses, index), "training.wait_minutes=0.01")
    assert f"error: no sign of {addresses[1 - index]} in 0.01 minutes" in said


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        ('["GPU:7"]', "no such device: GPU:7. This machine has CPU:0"),
        ('["CPU:0", "CPU:1"]', "no such device: CPU:1"),
        ('["CPU:0", "CPU:0"]', "a device comes twice"),
    ],
)
def test_devices_that_are_not_there(refused, devices, message):
    assert message in refused(config(free_addresses(2)), f"training.devices={devices}")


def test_a_keras_that_has_changed(refused, monkeypatch):
    monkeypatch.setattr("keras.Model._symbolic_build", lambda self: None)
    assert "takes no 'data_batch' any more" in refused(config(free_addresses(2)))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (None, "Collective ops must be configured at program startup"),
        (tf.errors.UnknownError(None, None, "Could not start gRPC server"), "Could not start gRPC"),
    ],
    ids=["in a process that has computed", "port taken"],
)
def test_machines_that_tensorflow_cannot_connect(refused, monkeypatch, error, message):
    tf.identity(1.0)
    monkeypatch.setattr("kerasseg.workers.workers.meet", lambda *_: None)
    if error:
        monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", Mock(side_effect=error))
    said = refused(config(addresses := free_addresses(2)))
    assert f"TensorFlow cannot connect {addresses[0]} with the other machines: {message}" in said


def test_a_wait_that_is_no_time(refused):
    assert "training.wait_minutes" in refused(config(free_addresses(2)), "training.wait_minutes=0")
