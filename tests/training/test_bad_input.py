"""Bad input ends in one or two lines and status 2, and touches nothing that was trained."""

import shutil

import numpy as np
import pytest
from PIL import Image

from kerasseg.callbacks import Progress
from kerasseg.data import find_pairs
from kerasseg.data.feeds import names_in_feed
from kerasseg.recipe import read_recipe
from tests.training.runs import assert_same_result, contents
from training.train import main


@pytest.fixture
def refused(train, capsys):
    """Runs the program and looks at how it ends; returns its message."""

    def run(run_dir, *settings, **more):
        before = contents(run_dir) if run_dir.is_dir() else None
        assert train(run_dir, *settings, **more) == 2
        assert (contents(run_dir) if run_dir.is_dir() else None) == before
        return message(capsys)

    return run


def message(capsys):
    lines = capsys.readouterr().err.splitlines(keepends=True)
    error = "".join(line for line in lines if not line.startswith("decoding "))
    assert error.startswith("error: ")
    assert 1 <= len(error.splitlines()) <= 2
    return error


@pytest.fixture
def bad_data(data_dir, tmp_path):
    return shutil.copytree(data_dir, tmp_path / "bad")


def no_label(folder):
    (folder / "train/labels/001.png").unlink()


def no_image(folder):
    (folder / "val/images/002.jpg").unlink()


def other_size(folder):
    Image.fromarray(np.zeros((64, 81), np.uint8)).save(folder / "train/labels/000.png")


def wrong_value(folder):
    Image.fromarray(np.full((64, 80), 7, np.uint8)).save(folder / "train/labels/000.png")


def colours(folder):
    Image.new("RGB", (80, 64)).save(folder / "train/labels/000.png")


def truncated(folder):
    path = folder / "train/images/003.jpg"
    path.write_bytes(path.read_bytes()[:200])


BAD_DATA = {
    no_label: ["train/images/001.jpg has no label map", "add one"],
    no_image: ["val/labels/002.png has no image", "add one"],
    other_size: ["train/images/000.jpg is 80x64", "train/labels/000.png 81x64", "make the sizes"],
    wrong_value: ["train/labels/000.png holds the label 7", "0..2 and 255 for void", "Relabel"],
    colours: ["train/labels/000.png is an RGB PNG", "class ids themselves", "Convert it"],
    truncated: ["train/images/003.jpg is corrupt", "Restore it or remove it"],
}


@pytest.mark.parametrize("spoil", BAD_DATA)
def test_bad_data_is_named_and_nothing_is_written(refused, bad_data, tmp_path, spoil):
    spoil(bad_data)
    said = refused(tmp_path / "run", data=bad_data)
    assert all(part in said for part in BAD_DATA[spoil]), said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("arguments", [(), ("--overwrite",)])
@pytest.mark.parametrize("spoil", [no_label, wrong_value, truncated])
def test_bad_data_leaves_a_trained_run_alone(refused, bad_data, finished, spoil, arguments):
    spoil(bad_data)
    refused(finished, data=bad_data, arguments=arguments)
    assert (finished / "model.keras").is_file()


def test_no_such_data_directory(refused, tmp_path):
    said = refused(tmp_path / "run", data=tmp_path / "nowhere")
    assert f"no such data directory: {tmp_path / 'nowhere'}. Give the folder" in said


def test_no_data_directory_at_all(recipe, tmp_path, capsys):
    assert main([str(recipe), "--run-dir", str(tmp_path / "run")]) == 2
    assert "say --data-dir DIR, or write data.directory" in message(capsys)


def test_a_folder_without_class_names(refused, tmp_path):
    said = refused(tmp_path / "run", "data.class_names=[]")
    assert "data.class_names is empty" in said
    assert "--set 'data.class_names=" in said


def test_no_such_recipe(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere.toml")]) == 2
    assert "no such recipe" in message(capsys)


BAD_SETTINGS = {
    "training.epoch=3": "unknown recipe key in [training] 'epoch': did you mean 'epochs'?",
    "model.backbone=tinny": "unknown backbone 'tinny': did you mean 'tiny'?",
    "model.architecture=EfficientFCM": "'EfficientFCM': did you mean 'EfficientFCN'?",
    "model.backbone_weights=nowhere.h5": "no such weights file: 'nowhere.h5'",
    "model.num_codewords=0": "num_codewords is a whole number of at least 1; received 0",
    "data.train_split=trian": "has no split 'trian': it has train, val",
    "loss.class_weights=[1, 2]": "loss.class_weights has 2 weights for 3 classes",
    "training.class_weights=[1, 2, 3]": "training.class_weights is now loss.class_weights",
    "training.batch_size=6": "training.batch_size 6 with 5 training images",
    'training.devices=["GPU:7"]': "no such device: GPU:7. This machine has CPU:0",
}


@pytest.mark.parametrize("setting", BAD_SETTINGS)
def test_a_bad_setting_is_named_and_nothing_is_written(refused, tmp_path, setting):
    assert BAD_SETTINGS[setting] in refused(tmp_path / "run", setting)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("setting", BAD_SETTINGS)
def test_a_bad_setting_deletes_nothing_in_spite_of_overwrite(refused, finished, setting):
    assert BAD_SETTINGS[setting] in refused(finished, setting, arguments=["--overwrite"])
    assert (finished / "model.keras").is_file()


def test_a_batch_that_cannot_be_dealt_out(refused, tmp_path):
    devices = 'training.devices=["CPU:0", "CPU:1"]'
    said = refused(tmp_path / "run", "training.batch_size=3", devices)
    assert "training.batch_size 3 with 5 training images on 2 device(s): give a multiple" in said
    compiled = ("training.jit_compile=true", "training.deterministic=false")
    said = refused(tmp_path / "run", *compiled, devices)
    assert "training.jit_compile works on one device; training.devices has 2" in said


@pytest.mark.parametrize(
    "setting", ["training.epochs=4", "optimizer.learning_rate=0.5", "model.dropout=0.2"]
)
def test_a_run_of_another_recipe(refused, finished, setting):
    said = refused(finished, setting)
    assert f"{finished} holds a run of another recipe: {setting.split('=')[0]} is" in said
    assert "Choose another --run-dir, or say --overwrite" in said


def test_a_run_on_other_data(refused, bad_data, finished):
    Image.fromarray(np.zeros((64, 80), np.uint8)).save(bad_data / "train/labels/000.png")
    assert "was trained on other data than this" in refused(finished, data=bad_data)


def test_a_directory_that_is_no_run(refused, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for arguments in ([], ["--overwrite"]):
        assert "is not empty and holds no run" in refused(tmp_path, arguments=arguments)
    assert "thesis.txt is a file; give a directory" in refused(tmp_path / "thesis.txt")


def test_a_usage_error_is_that_of_argparse(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["recipe.toml", "--datadir", "x"])
    assert ended.value.code == 2
    assert "usage: python -m training.train" in capsys.readouterr().err


def test_overwrite_begins_anew(train, finished, monkeypatch):
    monkeypatch.setattr("kerasseg.experiment.training_loop.Training._fit", lambda *_: None)
    (finished / "notes.txt").write_text("of the old run")
    before = (finished / "model.keras").read_bytes()
    assert train(finished, "training.epochs=4", arguments=["--overwrite"]) == 0
    assert (finished / "model.keras").read_bytes() != before
    for name in ("notes.txt", "best.keras", "history.csv", "checkpoint"):
        assert not (finished / name).exists()
    assert read_recipe(finished / "recipe.toml").training.epochs == 4


@pytest.fixture
def poisoned(monkeypatch):
    """Makes a weight no number before the third step, the first of the second epoch."""
    left, original = [3], Progress.on_train_batch_begin

    def on_train_batch_begin(self, batch, logs=None):
        left[0] -= 1
        if left[0] == 0:
            variable = self.model.trainable_variables[-1]
            variable.assign(np.full(variable.shape, np.nan))
        original(self, batch, logs)

    monkeypatch.setattr(Progress, "on_train_batch_begin", on_train_batch_begin)


@pytest.mark.slow
def test_a_loss_that_becomes_no_number_later_leaves_the_epoch_before(
    train, undisturbed, data_dir, tmp_path, poisoned, capsys
):
    run_dir, pairs = tmp_path / "run", find_pairs(data_dir, "train")
    assert train(run_dir) == 2
    said = message(capsys)
    assert "the loss became nan in epoch 2, step 1. Lower" in said
    assert "the weights of the epoch before are kept" in said
    of_epochs = [
        names_in_feed(pairs, "memory", seed=0, epoch=epoch, places=range(2)) for epoch in range(3)
    ]
    assert of_epochs[1] not in (of_epochs[0], of_epochs[2])
    assert said.endswith(f"\nThe images of it: {', '.join(of_epochs[1])}.\n")
    assert [path.name for path in (run_dir / "checkpoint").iterdir()] == ["epoch-1"]
    assert not (run_dir / "model.keras").exists()

    # It goes on from the first epoch to the last bit of a run that was never poisoned.
    assert train(run_dir) == 0
    assert "going on after epoch 1 of 3" in capsys.readouterr().out
    assert_same_result(run_dir, undisturbed)


def test_a_loss_that_is_no_number_ends_the_run(train, tmp_path, capsys):
    run_dir = tmp_path / "run"
    settings = ("optimizer.learning_rate=1e30", "optimizer.name=SGD", "optimizer.average=0")
    assert train(run_dir, *settings) == 2
    said = message(capsys)
    assert "the loss became" in said
    assert "Lower optimizer.learning_rate" in said
    assert "The images of it: " in said
    assert not (run_dir / "model.keras").exists()
    assert not list(run_dir.glob("checkpoint/epoch-*"))
