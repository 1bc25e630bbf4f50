"""A run can die at any moment and ends with the weights of a run that was never disturbed."""

import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from kerasseg.callbacks import Progress
from kerasseg.experiment.training_loop import Training
from tests.processes import CHECKOUT
from tests.training.runs import (
    assert_equal,
    assert_same_result,
    checkpoint,
    contents,
    history,
    weights,
)

TRAINABLE = ("kernel", "gamma", "beta", "bias")


@pytest.fixture
def interrupt(monkeypatch):
    """Presses Ctrl-C after so many steps of the process."""

    def press(after):
        left = [after]
        original = Progress.on_train_batch_end

        def on_train_batch_end(self, batch, logs=None):
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            original(self, batch, logs)

        monkeypatch.setattr(Progress, "on_train_batch_end", on_train_batch_end)

    return press


@pytest.mark.slow
def test_killed_in_one_epoch_and_interrupted_in_the_next(
    train, undisturbed, recipe, data_dir, tmp_path, interrupt, capsys
):
    run_dir = tmp_path / "run"
    places = ["--data-dir", str(data_dir), "--run-dir", str(run_dir)]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.training.train_killed", "step:3:0", str(recipe), *places],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert [path.name for path in (run_dir / "checkpoint").iterdir()] == ["epoch-1"]

    interrupt(after=4)  # two steps an epoch
    assert train(run_dir) == 130
    said = capsys.readouterr()
    assert "going on after epoch 1 of 3" in said.out
    assert said.err.splitlines()[-1] == "interrupted"
    assert [row["epoch"] for row in history(run_dir)] == ["1", "2"]
    assert not (run_dir / "model.keras").exists()
    assert f"the weights of this moment: {run_dir / 'interrupted.keras'}" in said.out
    # It came after the last step of all, before the epoch was saved.
    assert_equal(weights(run_dir, "interrupted.keras"), weights(undisturbed))

    assert train(run_dir) == 0
    assert "going on after epoch 2 of 3" in capsys.readouterr().out
    assert_same_result(run_dir, undisturbed)


def test_stopped_between_the_last_epoch_and_the_model(train, undisturbed, finished, monkeypatch):
    for name in ("model.keras", "history.csv", "metrics.json"):
        (finished / name).unlink()
    monkeypatch.setattr(keras.Model, "fit", None)
    assert train(finished, "output.pictures=0") == 0
    assert_same_result(finished, undisturbed)


def test_stopped_before_the_recipe_was_written(train, finished, monkeypatch):
    (finished / "recipe.toml").rename(finished / ".recipe.toml.123.partial.toml")
    monkeypatch.setattr(keras.Model, "fit", None)
    assert train(finished, "output.pictures=0") == 0
    assert (finished / "recipe.toml").is_file()


def test_what_a_killed_start_was_writing_does_not_make_a_directory_somebody_elses(
    train, tmp_path, monkeypatch
):
    (tmp_path / ".run.json.123.partial.json").write_text("{")
    monkeypatch.setattr(Training, "_fit", lambda *_: None)
    monkeypatch.setattr("kerasseg.experiment.experiment.write_report", lambda *_, **__: None)
    assert train(tmp_path) == 0
    assert (tmp_path / "model.keras").is_file()


def test_a_finished_run_that_is_started_again_goes_on(train, finished, undisturbed, monkeypatch):
    best, trained = (finished / "best.keras").read_bytes(), contents(finished / "checkpoint")
    monkeypatch.setattr(keras.Model, "fit", None)
    assert train(finished, "output.pictures=0") == 0
    assert (finished / "best.keras").read_bytes() == best
    assert contents(finished / "checkpoint") == trained
    assert_same_result(finished, undisturbed)


def averages_and_raw(run_dir):
    """Returns the averages of the weights and the weights themselves from the checkpoint."""
    state = checkpoint(run_dir)
    averages = {key: value for key, value in state.items() if key.endswith("average")}
    shapes = [value.shape for value in averages.values()]
    raw = [
        value
        for key, value in state.items()
        if key.split()[1] in ("kernel", "gamma", "beta", "bias")
    ]
    assert [value.shape for value in raw] == shapes
    return list(averages.values()), raw


def test_the_checkpoint_holds_the_raw_weights_and_the_model_their_average(undisturbed):
    state = checkpoint(undisturbed)
    averages = [value for key, value in state.items() if key.endswith("average")]
    raw = [value for key, value in state.items() if key.split()[1] in TRAINABLE]
    saved = [v for path, v in weights(undisturbed).items() if path.split("/")[-1] in TRAINABLE]
    for average, value, shown in zip(averages, raw, saved, strict=True):
        np.testing.assert_array_equal(shown, average)
        assert not np.array_equal(value, average)
