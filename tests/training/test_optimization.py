"""Whole runs under each optimizer and schedule, and the same runs interrupted and resumed."""

import functools

import numpy as np
import pytest

from kerasseg.callbacks import Progress
from kerasseg.optimizers import LossScaling, from_recipe
from tests.tiny import REFINENET
from tests.training.runs import assert_same_result, checkpoint, history, weights


@pytest.fixture(scope="module")
def refinenet(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipes") / "refinenet.toml"
    path.write_text(REFINENET)
    return path


@pytest.fixture(autouse=True)
def _without_report(monkeypatch):
    """What is left of a run beside its weights and history takes as long as the run."""
    monkeypatch.setattr("kerasseg.experiment.experiment.write_report", lambda *_, **__: None)


@pytest.fixture
def interrupted(train, monkeypatch, capsys):
    """Runs a recipe that is interrupted after some calls of the compiled step, and goes on."""

    def run(run_dir, *settings, after, **arguments):
        calls = []

        def on_train_batch_end(self, batch, logs=None):
            calls.append(batch)
            if len(calls) == after:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Progress, "on_train_batch_end", on_train_batch_end)
            assert train(run_dir, *settings, **arguments) == 130
        assert train(run_dir, *settings, **arguments) == 0
        assert "going on after epoch" in capsys.readouterr().out
        return run_dir

    return run


def largest(run_dir, name):
    return max(float(v) for key, v in checkpoint(run_dir).items() if key.split()[1] == name)


RUNS = {
    "SGD": (
        "optimizer.nesterov=true",
        "optimizer.schedule=plateau",
        "optimizer.plateau_patience=1",
        "optimizer.weight_decay_kind=l2",
        "optimizer.clip_norm=0.5",
        "model.rematerialize=true",
        "training.batch_size=1",
        "training.epochs=4",
        "training.validate_every=1",
        "training.steps_per_execution=3",
    ),
    "AdamW": (
        "optimizer.schedule=cosine",
        "optimizer.accumulate_steps=2",
        "optimizer.average=0.5",
        "optimizer.head_multiplier=2",
        "training.epochs=3",
        "training.precision=mixed_float16",
    ),
    "Muon": (
        "optimizer.schedule=step",
        "optimizer.step_epochs=[1, 2]",
        "optimizer.average=0.5",
        "optimizer.accumulate_steps=3",
        "training.epochs=3",
        "training.validate_every=1",
    ),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.slow
def test_an_interrupted_run_ends_as_an_undisturbed_one(
    name, train, interrupted, refinenet, recipe, tmp_path, monkeypatch
):
    # The first steps overflow: at this size that of a float16 gradient is from about 2 ** 17 on.
    scaling = functools.partial(LossScaling, initial_scale=2.0**19)
    monkeypatch.setattr(from_recipe, "LossScaling", scaling)
    which = {"recipe": recipe if name == "AdamW" else refinenet}
    settings = (f"optimizer.name={name}", *RUNS[name])
    whole = tmp_path / "whole"
    assert train(whole, *settings, **which) == 0
    parts = interrupted(tmp_path / "parts", *settings, **which, after=3)
    assert_same_result(parts, whole)
    {"SGD": _fell_on_plateaus, "AdamW": _skipped_overflows, "Muon": _fell_at_epochs}[name](whole)


def _fell_on_plateaus(run_dir):
    best, rate = -1.0, 1e-2
    for row in history(run_dir):
        score = float(row["val_mean_iou"])
        rate = rate if score > best else rate * 0.1
        best = max(best, score)
        assert float(row["learning_rate"]) == pytest.approx(rate)
    assert rate < 1e-2


def _skipped_overflows(run_dir):
    assert largest(run_dir, "dynamic_scale") < 2.0**19
    # That of the scaling stays 0, and that of the optimizer counts what was not skipped.
    assert 0 < largest(run_dir, "iteration") < 6


def _fell_at_epochs(run_dir):
    """Of the two steps of three batches, one ends in the second epoch and one in the third."""
    rates = [float(row["learning_rate"]) for row in history(run_dir)]
    assert rates == pytest.approx([1e-3, 1e-4, 1e-4])


@pytest.mark.slow
def test_two_devices_end_as_one(train, tmp_path):
    """With all that adds up gradients, and steps of a call that do not divide the epoch's."""
    settings = (
        "optimizer.name=SGD",
        "training.precision=float32",
        "optimizer.weight_decay_kind=l2",
        "optimizer.clip_norm=0.5",
        "optimizer.accumulate_steps=2",
        "optimizer.average=0.5",
        "model.dropout=0",
        "training.epochs=3",
        "training.steps_per_execution=3",
    )
    one, two = tmp_path / "one", tmp_path / "two"
    assert train(one, *settings) == 0
    devices = "training.devices=['CPU:0', 'CPU:1']"
    assert train(two, *settings, devices) == 0
    for path, expected in weights(one).items():
        np.testing.assert_allclose(weights(two)[path], expected, rtol=1e-4, atol=1e-5)
    losses = [[float(row["loss"]) for row in history(run)] for run in (one, two)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
