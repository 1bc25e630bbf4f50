"""The section `[loss]` of a run: class weights by a rule, auxiliary heads, and going on."""

import json

import keras
import numpy as np
import pytest

import kerasseg.experiment.training_loss
from kerasseg.callbacks import Progress
from kerasseg.data import class_histogram, class_weights, find_pairs
from kerasseg.experiment.training_loss import loss_of_run
from kerasseg.recipe import LossRecipe
from kerasseg.run import Run
from tests.data.files import LABELS
from tests.training.runs import assert_same_result, checkpoint, history, weights

SETTINGS = (
    "loss.terms=['ohem', 'dice']",
    "loss.term_weights=[1.0, 0.5]",
    "loss.ohem_min_kept=300",
    "loss.class_weights=median-frequency",
    "loss.auxiliary_weight=0.4",
    "loss.auxiliary_strides=[8, 16]",
    "training.validate_every=1",
    "output.pictures=0",
)


@pytest.fixture(scope="module")
def supervised(train, tmp_path_factory):
    """A run of all of it that has ended and that nothing ever stopped."""
    run_dir = tmp_path_factory.mktemp("runs") / "supervised"
    assert train(run_dir, *SETTINGS) == 0
    return run_dir


@pytest.fixture
def stop_in_second_epoch(monkeypatch):
    """Presses Ctrl-C in the third step; an epoch has two."""
    left = [3]
    original = Progress.on_train_batch_end

    def on_train_batch_end(self, batch, logs=None):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        original(self, batch, logs)

    monkeypatch.setattr(Progress, "on_train_batch_end", on_train_batch_end)


@pytest.mark.slow
def test_a_run_goes_on_with_the_same_heads_and_class_weights(
    train, supervised, stop_in_second_epoch, tmp_path, monkeypatch, capsys
):
    run_dir = tmp_path / "run"
    assert train(run_dir, *SETTINGS) == 130
    before = (run_dir / "class_weights.json").read_bytes()
    assert before == (supervised / "class_weights.json").read_bytes()
    monkeypatch.setattr(
        kerasseg.experiment.training_loss, "class_histogram", None
    )  # not read again
    capsys.readouterr()
    assert train(run_dir, *SETTINGS) == 0
    assert "going on after epoch 1 of 3" in capsys.readouterr().out
    assert_same_result(run_dir, supervised)


@pytest.mark.slow
def test_the_class_weights_are_those_of_the_training_split(supervised, data_dir, capsys):
    histogram = class_histogram(find_pairs(data_dir, "train"), LABELS)
    kept = json.loads((supervised / "class_weights.json").read_text())
    assert kept["rule"] == "median-frequency"
    assert kept["weights"] == pytest.approx(class_weights(histogram, "median-frequency"))
    assert kept["pixels"] == list(histogram.pixels)


@pytest.mark.parametrize("terms", [("cross_entropy",), ("ohem", "dice")])
def test_the_class_weights_reach_every_term(terms, data_dir, tmp_path):
    pairs, rule = find_pairs(data_dir, "train"), "median-frequency"
    expected = class_weights(class_histogram(pairs, LABELS), rule)
    assert len(set(expected)) == 3
    recipe = LossRecipe(terms=terms, class_weights=rule)
    for _ in range(2):  # the second time from the file
        assert weights_in(loss_of_run(recipe, pairs, LABELS, Run(tmp_path))) == [
            pytest.approx(expected)
        ] * len(terms)


def test_a_list_of_class_weights_reaches_every_term(data_dir, tmp_path):
    pairs = find_pairs(data_dir, "train")
    for given, expected in (((1, 2, 0.5), (1.0, 2.0, 0.5)), ((), None)):
        recipe = LossRecipe(terms=("focal", "dice"), class_weights=given)
        found = weights_in(loss_of_run(recipe, pairs, LABELS, Run(tmp_path)))
        assert found == [expected] * 2
    assert not (tmp_path / "class_weights.json").exists()


def weights_in(loss):
    return [term.class_weights for term in getattr(loss, "losses", [loss])]


@pytest.mark.slow
def test_the_logs_of_deep_supervision(supervised):
    rows = history(supervised)
    usual = {"loss", "auxiliary_loss", "mean_iou", "val_loss", "val_mean_iou"}
    assert usual <= rows[0].keys()
    assert not any(key.startswith(("logits", "val_auxiliary")) for key in rows[0])
    for row in rows:
        assert 0 < float(row["auxiliary_loss"]) < float(row["loss"])


@pytest.mark.slow
def test_the_heads_are_in_the_checkpoint_and_not_in_the_model(supervised):
    assert not any("auxiliary" in path for path in weights(supervised))
    shapes = [value.shape for value in checkpoint(supervised).values()]
    for channels in (8, 10):  # of the tiny backbone at strides 8 and 16
        assert (3, 3, channels, 2) in shapes
    model = keras.models.load_model(supervised / "best.keras")
    assert model.predict(np.zeros((1, 64, 64, 3)), verbose=0).shape == (1, 64, 64, 3)


@pytest.mark.slow
def test_the_class_weights_are_printed_and_their_file_is_not_trusted_blindly(
    train, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("kerasseg.experiment.training_loop.Training._fit", lambda *_: None)
    monkeypatch.setattr("kerasseg.experiment.experiment.write_report", lambda *_, **__: None)
    run_dir = tmp_path / "run"
    setting = "loss.class_weights=cube-root"
    assert train(run_dir, setting) == 0
    kept = json.loads((run_dir / "class_weights.json").read_text())["weights"]
    expected = ", ".join(
        f"{n} {w:.4g}" for n, w in zip(("ground", "box", "ball"), kept, strict=True)
    )
    assert f"class weights (cube-root): {expected}\n" in capsys.readouterr().out

    path = run_dir / "class_weights.json"
    path.write_text("{}")
    assert train(run_dir, setting) == 2
    assert f"{path} is damaged. Restore it, or delete it" in capsys.readouterr().err
    path.write_text('{"rule": "cube-root", "weights": [1, 2]}')
    assert train(run_dir, setting) == 2
    assert "holds other weights than 'cube-root' for 3 classes" in capsys.readouterr().err
