"""No room for one file or another: a message that names it, and the run goes on when there is."""

import errno
import os

import pytest
import tensorflow as tf

import kerasseg.files
from tests.training.runs import assert_same_result


@pytest.fixture
def no_room_for(monkeypatch):
    """Fills the disk in the moment in which a file of this name is to be on it."""

    def fill(name):
        original = kerasseg.files._flush

        def flush(path):
            if path.name.startswith(f".{name}."):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            original(path)

        monkeypatch.setattr(kerasseg.files, "_flush", flush)

    return fill


def error_of(capsys):
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.keras", "report.html"])
def test_at_the_end_of_a_run(train, finished, undisturbed, no_room_for, monkeypatch, capsys, name):
    (finished / name).unlink()
    no_room_for(name)
    assert train(finished, "output.pictures=0") == 2
    assert error_of(capsys) == (
        f"error: {finished / name} cannot be written: No space left on device. Make room; what was "
        "there before is as it was."
    )
    assert not (finished / name).exists()
    assert not list(finished.rglob("*.partial*"))
    monkeypatch.undo()
    assert train(finished, "output.pictures=0") == 0
    assert (finished / name).is_file()
    assert_same_result(finished, undisturbed)


def test_before_anything_is_trained(train, tmp_path, no_room_for, monkeypatch, capsys):
    run_dir, setting = tmp_path / "run", "loss.class_weights=cube-root"
    no_room_for("class_weights.json")
    assert train(run_dir, setting) == 2
    place = run_dir / "class_weights.json"
    assert error_of(capsys).startswith(f"error: {place} cannot be written: No space left on device")
    assert not place.exists()
    monkeypatch.undo()
    monkeypatch.setattr("kerasseg.experiment.training_loop.Training._fit", lambda *_: None)
    monkeypatch.setattr("kerasseg.experiment.experiment.write_report", lambda *_, **__: None)
    assert train(run_dir, setting) == 0
    assert place.is_file()


@pytest.mark.slow
def test_for_the_files_of_tensorboard(train, undisturbed, tmp_path, monkeypatch, capsys):
    said = "/runs/tensorboard/validation/events.out.tfevents.1; No space left on device"
    run_dir, original = tmp_path / "run", tf.summary.write

    def write(tag, tensor, step=None, **more):
        if step == 1 and tag.startswith("image"):
            raise tf.errors.ResourceExhaustedError(None, None, said)
        return original(tag, tensor, step=step, **more)

    monkeypatch.setattr(tf.summary, "write", write)
    assert train(run_dir) == 2
    assert error_of(capsys) == (
        f"error: a file cannot be written: {said}. Make room; the same command goes on from the "
        "last epoch that had ended."
    )
    assert not (run_dir / "model.keras").exists()
    monkeypatch.undo()
    assert train(run_dir) == 0
    assert "going on after epoch 1 of 3" in capsys.readouterr().out
    assert_same_result(run_dir, undisturbed)
