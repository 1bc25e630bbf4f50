"""training.train --smoke."""

import pytest

from kerasseg.run import Run
from training.train import main


@pytest.mark.slow
def test_it_needs_no_data_and_says_that_it_is_no_score(recipe, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([str(recipe), "--smoke", "--set", "model.weights=nowhere.keras"]) == 0
    shown = capsys.readouterr().out
    assert "a smoke test, of 4 generated images: what it scores says nothing\n" in shown
    assert "  augmentation.crop_size = [96, 96] in place of [64, 64]\n" in shown
    assert shown.endswith("its score means nothing: the images were generated\n")
    run = Run.open(tmp_path / "runs" / "tiny-smoke")
    assert run.description.class_names == ("ground", "box", "ball")
    assert run.file("model.keras").is_file()
    assert run.file("metrics.json").is_file()


@pytest.mark.slow
def test_its_own_directory_is_replaced_and_no_other(recipe, undisturbed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([str(recipe), "--smoke"]) == 0
    first = (tmp_path / "runs/tiny-smoke/run.json").stat().st_mtime_ns
    assert main([str(recipe), "--smoke", "--set", "optimizer.momentum=0.8"]) == 2
    assert main([str(recipe), "--smoke", "--set", "training.seed=5"]) == 0
    assert (tmp_path / "runs/tiny-smoke/run.json").stat().st_mtime_ns > first
    assert main([str(recipe), "--smoke", "--run-dir", str(undisturbed)]) == 2


def test_a_stage_whose_weights_are_missing_says_what_to_do(train, tmp_path, capsys):
    weights = tmp_path / "runs" / "one" / "model.keras"
    assert train(tmp_path / "run", f"model.weights={weights}", data=tmp_path / "nowhere") == 2
    said = capsys.readouterr().err
    assert f"model.weights: no such file: {weights}. It is what the run before this" in said
    assert "--set model.weights=runs/NAME/model.keras" in said
    assert "--set model.weights=none starts without one" in said
    assert not (tmp_path / "run").exists()
