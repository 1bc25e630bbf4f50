"""What is told of a run in words."""

import json

import pytest

from kerasseg.evaluation.report.run_facts import facts_of, title_of
from kerasseg.recipe import EXAMPLE
from kerasseg.run import Run, RunDescription
from tests.test_run import VALUES


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "leaves")
    run.describe(RunDescription.model_validate(VALUES))
    return run


def test_without_a_recipe_it_says_what_is_known(run):
    assert title_of(run) == "EfficientFCN, trained on folder (leaves)"
    assert "seed" not in facts_of(run, 4, {})


def test_devices_are_those_of_the_recipe(run):
    run.file("recipe.toml").write_text(EXAMPLE + 'seed = 7\ndevices = ["CPU:0", "CPU:1"]\n')
    facts = facts_of(run, 4, {})
    assert facts["devices"].startswith("CPU:0 of ")
    assert ", CPU:1 of " in facts["devices"]
    assert facts["seed"] == "7"
    assert title_of(run) == "EfficientFCN on efficientnet_lite0, trained on folder (leaves)"


def test_several_machines_are_said(run, monkeypatch):
    cluster = {"worker": ["one:2222", "two:2222"]}
    config = {"cluster": cluster, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert facts_of(run, 4, {})["devices"].endswith(", on each of 2 machines")


def test_what_was_measured_is_put_into_words(run):
    measured = {
        "training_seconds": 4000.2,
        "input_share": 0.043,
        "epochs": 3,
        "skipped": ("a.jpg is corrupt", "b.jpg is empty"),
        "another_thing": 5,
    }
    facts = facts_of(run, 4, measured)
    assert facts["time of training"] == "1 h 6 min"
    assert facts["waiting for images"] == "4 % of a step"
    assert facts["skipped"] == "a.jpg is corrupt; b.jpg is empty"
    assert (facts["epochs"], facts["another thing"]) == ("3", "5")
    none = facts_of(run, 4, {"input_share": None, "skipped": ()})
    assert not {"waiting for images", "input share", "skipped"} & none.keys()
