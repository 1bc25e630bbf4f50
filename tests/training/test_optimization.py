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


# The settings, and after how many calls the run is interrupted.
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
        "optimizer.accumulate_steps=3",
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
    name, train, interrupted, refinenet, tmp_path, monkeypatch
):
    # The first steps overflow, so that the scale and the steps taken are state of their own.
    scaling = functools.partial(LossScaling, initial_scale=2.0**34)
    monkeypatch.setattr(from_recipe, "LossScaling", scaling)
    settings = (f"optimizer.name={name}", *RUNS[name])
    whole = tmp_path / "whole"
    assert train(whole, *settings, recipe=refinenet) == 0
    parts = interrupted(tmp_path / "parts", *settings, recipe=refinenet, after=3)
    assert_same_result(parts, whole)
    moved = [key for key, values in checkpoint(whole).items() if np.any(values)]
    {"SGD": _fell_on_plateaus, "AdamW": _skipped_overflows, "Muon": _fell_at_epochs}[name](whole)
    assert any(key.endswith("momentum") for key in moved)


def _fell_on_plateaus(run_dir):
    best, rate = -1.0, 1e-2
    for row in history(run_dir):
        score = float(row["val_mean_iou"])
        rate = rate if score > best else rate * 0.1
        best = max(best, score)
        assert float(row["learning_rate"]) == pytest.approx(rate)
    assert rate < 1e-2


def _skipped_overflows(run_dir):
    assert largest(run_dir, "dynamic_scale") < 2.0**34
    # That of the scaling stays 0, and that of the optimizer counts what was not skipped.
    assert 0 < largest(run_dir, "iteration") < 6


def _fell_at_epochs(run_dir):
    """Of the two steps of three batches, one ends in the second epoch and one in the third."""
    rates = [float(row["learning_rate"]) for row in history(run_dir)]
    assert rates == pytest.approx([1e-3, 1e-4, 1e-4])


@pytest.mark.slow
def test_two_devices_end_as_one(train, refinenet, tmp_path):
    """With all that adds up gradients, and steps of a call that do not divide the epoch's."""
    settings = (
        "optimizer.weight_decay_kind=l2",
        "optimizer.clip_norm=0.5",
        "optimizer.accumulate_steps=2",
        "optimizer.average=0.5",
        "model.dropout=0",
        "training.epochs=3",
        "training.steps_per_execution=3",
    )
    one, two = tmp_path / "one", tmp_path / "two"
    assert train(one, *settings, recipe=refinenet) == 0
    devices = "training.devices=['CPU:0', 'CPU:1']"
    assert train(two, *settings, devices, recipe=refinenet) == 0
    for path, expected in weights(one).items():
        np.testing.assert_allclose(weights(two)[path], expected, rtol=1e-4, atol=1e-5)
    losses = [[float(row["loss"]) for row in history(run)] for run in (one, two)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
