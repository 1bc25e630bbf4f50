"""Optuna proposes values of a recipe, and each trial is a run."""

import json

import pytest

from kerasseg.recipe import read_recipe
from training.search import main

TINY = "tests.training.train_tiny"


@pytest.fixture
def search(recipe, data_dir, tmp_path):
    """Runs the program on the tiny recipe and returns its exit status."""

    def run(*arguments, trials=2):
        return main(
            [
                str(recipe),
                *("--data-dir", str(data_dir), "--search-dir", str(tmp_path / "search")),
                *("--set", "training.epochs=1", "--set", "output.pictures=0"),
                *("--trials", str(trials), "--program", TINY, *arguments),
            ]
        )

    return run


VARIED = ("--vary", "optimizer.learning_rate=1e-4..1e-2:log", "--vary", "model.num_codewords=4|6")


@pytest.mark.slow
def test_a_search_goes_on_where_it_was(search, tmp_path, capfd):
    assert search(*VARIED) == 0
    first = read_recipe(tmp_path / "search/trial-0/recipe.toml")
    assert 1e-4 <= first.optimizer.learning_rate <= 1e-2
    assert first.model.options["num_codewords"] in (4, 6)
    assert first.training.epochs == 1
    assert search(*VARIED, trials=3) == 0
    runs = sorted(path.name for path in (tmp_path / "search").glob("trial-*"))
    assert runs == ["trial-0", "trial-1", "trial-2"]
    scores = {
        run: json.loads((tmp_path / "search" / run / "metrics.json").read_text())["mean_iou"]
        for run in runs
    }
    best = max(scores, key=scores.__getitem__)
    said = capfd.readouterr().out
    assert f"best of 3 trials: {tmp_path / 'search' / best}\n" in said
    assert f"mean IoU {scores[best]:.3f}" in said
    chosen = read_recipe(tmp_path / "search" / best / "recipe.toml").optimizer.learning_rate
    assert f"--set optimizer.learning_rate={chosen}\n" in said


@pytest.mark.slow
def test_a_training_that_fails_is_a_failed_trial(search, tmp_path, capfd):
    (tmp_path / "search").mkdir()
    (tmp_path / "search/trial-0").write_text("a file where the run directory would be")
    assert search(*VARIED, trials=1) == 2
    assert "no trial in" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("varied", "message"),
    [
        ("optimizer.learning_rate", "--vary takes SECTION.KEY=LOW..HIGH"),
        ("optimizer.learning_rate=0.1", "--vary takes SECTION.KEY=LOW..HIGH"),
        ("optimizer.learning_rate=a..b", "--vary takes SECTION.KEY=LOW..HIGH"),
        ("optimizer.learning_rate=0..1:lin", "--vary takes SECTION.KEY=LOW..HIGH"),
        ("optimizer.learning_rat=0.1..1.0", "learning_rat"),
        ("optimizer.learning_rate=-1.0..1.0", "optimizer.learning_rate"),
        ("model.num_codewords=4|many", "model.num_codewords"),
    ],
)
def test_a_bad_range_is_named_before_anything_is_trained(search, tmp_path, capsys, varied, message):
    assert search("--vary", varied) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "search").exists()
