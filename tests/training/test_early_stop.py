"""Runs that `training.stop_after` ends, undisturbed and not."""

import json

import keras
import pytest

from kerasseg.callbacks import Progress
from kerasseg.run import Run
from tests.tiny import REFINENET
from tests.training.machines import arguments, both
from tests.training.runs import assert_same_result, history

# At a rate of nothing and with the statistics as they are, every validation gives the first score.
SETTINGS = (
    "optimizer.learning_rate=1e-30",
    "training.epochs=9",
    "training.validate_every=2",
    "training.stop_after=2",
)
STOPS_AT = 6


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipes") / "still.toml"
    path.write_text(REFINENET)
    return path


@pytest.fixture(scope="module")
def stopped(train, still, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "stopped"
    assert train(run_dir, *SETTINGS, recipe=still) == 0
    return run_dir


def test_it_ends_after_so_many_validations_without_a_better_score(stopped):
    rows = history(stopped)
    assert [row["epoch"] for row in rows] == [str(epoch) for epoch in range(1, STOPS_AT + 1)]
    scores = [float(row["val_mean_iou"]) for row in rows if row["val_mean_iou"]]
    assert len(scores) == 3
    assert max(scores) == scores[0]
    assert json.loads((stopped / "metrics.json").read_text())["epochs"] == STOPS_AT
    assert Run(stopped).load_model() is not None


@pytest.mark.slow
def test_interrupted_it_ends_after_the_same(train, still, stopped, tmp_path, monkeypatch, capsys):
    left = [2 * 4 + 1]  # two steps an epoch, of which the fourth has the validation before the last

    def on_train_batch_end(self, batch, logs=None):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr("kerasseg.experiment.experiment.write_report", lambda *_, **__: None)
    run_dir = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_train_batch_end", on_train_batch_end)
        assert train(run_dir, *SETTINGS, recipe=still) == 130
    assert len(history(run_dir)) == 4
    assert train(run_dir, *SETTINGS, recipe=still) == 0
    said = capsys.readouterr().out
    assert "going on after epoch 4 of 9" in said
    assert "stopped after epoch 6 of 9: 2 validations without a better mean IoU" in said
    assert_same_result(run_dir, stopped)


@pytest.mark.slow
def test_started_again_it_does_not_train_on(train, still, stopped, monkeypatch, capsys):
    (stopped / "model.keras").unlink()
    monkeypatch.setattr(keras.Model, "fit", None)
    assert train(stopped, *SETTINGS, recipe=still) == 0
    said = capsys.readouterr().out
    assert "going on after epoch 6 of 9" in said
    assert "stopped after epoch 6 of 9" in said
    assert json.loads((stopped / "metrics.json").read_text())["epochs"] == STOPS_AT
    assert (stopped / "model.keras").is_file()


@pytest.mark.slow
def test_it_may_not_go_on_with_another_patience(train, still, stopped, capsys):
    assert train(stopped, *SETTINGS, "training.stop_after=3", recipe=still) == 2
    assert "training.stop_after is 3 here and 2 there" in capsys.readouterr().err


@pytest.mark.slow
def test_two_machines_stop_together_and_stay_so(still, data_dir, tmp_path):
    command = arguments(still, data_dir, tmp_path / "run", *SETTINGS)
    for _ in range(2):
        chief, other = both(command)
        assert [chief.status, other.status] == [0, 0], chief.err + other.err
        assert "stopped after epoch 6 of 9" in chief.out
        assert "stopped" not in other.out
    assert len(history(tmp_path / "run")) == STOPS_AT
