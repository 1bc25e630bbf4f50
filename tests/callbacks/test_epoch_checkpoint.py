import csv
import json

import keras
import numpy as np
import pytest

from kerasseg.callbacks import EpochCheckpoint
from kerasseg.errors import KerassegError


class Counter:
    """A callback's state that a checkpoint keeps."""

    def __init__(self):
        self.count = 0

    def state(self):
        self.count += 1
        return self.count

    def restore(self, state):
        self.count = state


def network(units=3, optimizer=None):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    x = keras.layers.BatchNormalization()(keras.layers.Dense(units)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dropout(0.5)(x)))
    model.compile(optimizer or keras.optimizers.AdamW(0.01, use_ema=True), "mse", run_eagerly=True)
    return model


def fit(model, *callbacks, epochs, first=0):
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(8, 4)), generator.normal(size=(8, 1))
    model.fit(
        x,
        y,
        batch_size=4,
        shuffle=False,
        initial_epoch=first,
        epochs=epochs,
        callbacks=list(callbacks),
        verbose=0,
    )


def make(folder, **stateful):
    return EpochCheckpoint(folder / "checkpoint", folder / "history.csv", stateful)


def everything(model):
    return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]


def names(folder):
    return sorted(path.name for path in (folder / "checkpoint").iterdir())


def rows(folder):
    with (folder / "history.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


class Witness(keras.callbacks.Callback):
    """Notes what the model and its optimizer are at the end of an epoch."""

    def on_epoch_end(self, epoch, logs=None):
        self.seen = everything(self.model)


def test_restores_every_variable_and_the_callbacks(tmp_path):
    """The random state of the dropout, the moments and the averages among them."""
    witness, counter, again = Witness(), Counter(), network()
    fit(network(), make(tmp_path, counter=Counter()), witness, epochs=2)
    assert make(tmp_path, counter=counter).restore(again) == 2
    assert counter.count == 2
    for restored, seen in zip(everything(again), witness.seen, strict=True):
        np.testing.assert_array_equal(restored, seen)


@pytest.mark.slow
@pytest.mark.parametrize(("stop", "use_ema"), [(1, True), (2, False)])
def test_a_resumed_fit_equals_an_undisturbed_one(tmp_path, stop, use_ema):
    def model():
        return network(optimizer=keras.optimizers.AdamW(0.01, use_ema=use_ema))

    whole = model()
    fit(whole, make(tmp_path / "whole"), epochs=3)
    first = model()
    fit(first, make(tmp_path / "parts"), epochs=stop)
    second, checkpoint = model(), make(tmp_path / "parts")
    assert checkpoint.restore(second) == stop
    fit(second, checkpoint, epochs=3, first=stop)
    for one, other in zip(everything(second), everything(whole), strict=True):
        np.testing.assert_array_equal(one, other)
    assert rows(tmp_path / "parts") == rows(tmp_path / "whole")


def test_there_is_nothing_to_restore_in_the_beginning(tmp_path):
    model = network()
    before = everything(model)
    assert make(tmp_path).restore(model) == 0
    for one, other in zip(before, everything(model), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_checkpoint_before_is_deleted(tmp_path):
    fit(network(), make(tmp_path), epochs=3)
    assert names(tmp_path) == ["epoch-3"]


def test_a_checkpoint_that_is_not_whole_is_passed_over_and_deleted(tmp_path):
    fit(network(), make(tmp_path), epochs=2)
    for name in ("epoch-1", ".epoch-3.x1y2.partial", "epoch-9-copy"):
        (tmp_path / "checkpoint" / name).mkdir()
    for name in (".epoch-3.x1y2.partial", "epoch-9-copy"):
        (tmp_path / "checkpoint" / name / "state.json").write_text("{}")
    assert make(tmp_path).restore(network()) == 2
    assert names(tmp_path) == ["epoch-2", "epoch-9-copy"]


def test_without_a_whole_checkpoint_the_run_begins_anew(tmp_path):
    fit(network(), make(tmp_path), epochs=1)
    (tmp_path / "checkpoint/epoch-1/state.json").unlink()  # as a deletion begins
    model, checkpoint = network(), make(tmp_path)
    assert checkpoint.restore(model) == 0
    fit(model, checkpoint, epochs=1)
    assert make(tmp_path).restore(network()) == 1


def test_an_error_while_saving_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    model, checkpoint = network(), make(tmp_path)
    fit(model, checkpoint, epochs=1)

    def full_disk(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="no space"):
        fit(model, checkpoint, epochs=2, first=1)
    assert names(tmp_path) == ["epoch-1"]
    assert make(tmp_path).restore(network()) == 1


@pytest.mark.parametrize(
    "other", [lambda: network(units=5), lambda: network(optimizer=keras.optimizers.SGD())]
)
def test_that_of_another_model_or_optimizer_is_refused(tmp_path, other):
    fit(network(), make(tmp_path), epochs=1)
    model = other()
    before = [v.numpy() for v in model.variables]
    with pytest.raises(KerassegError, match=r"epoch-1 was saved from another model or optimizer"):
        make(tmp_path).restore(model)
    for one, now in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(one, now)


def test_that_of_a_version_without_a_callback_of_today_is_refused(tmp_path):
    fit(network(), make(tmp_path, counter=Counter()), epochs=1)
    model, counter = network(), Counter()
    before = [v.numpy() for v in model.variables]
    checkpoint = make(tmp_path, counter=counter, early_stop=Counter())
    message = r"epoch-1 was saved by another version of kerasseg: .* state of 'early_stop'\. Go on"
    with pytest.raises(KerassegError, match=message):
        checkpoint.restore(model)
    assert counter.count == 0
    for one, now in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(one, now)


def test_the_history_has_each_epoch_once(tmp_path):
    checkpoint = make(tmp_path)
    fit(network(), checkpoint, epochs=2)
    model, again = network(), make(tmp_path)
    fit(model, again, epochs=3, first=again.restore(model))
    assert [row["epoch"] for row in rows(tmp_path)] == ["1", "2", "3"]
    assert all(float(row["loss"]) > 0 for row in rows(tmp_path))


def test_the_history_is_as_long_as_the_checkpoint_knows(tmp_path):
    fit(network(), make(tmp_path), epochs=2)
    whole = rows(tmp_path)
    (tmp_path / "history.csv").unlink()
    make(tmp_path).restore(network())
    assert rows(tmp_path) == whole


def test_a_log_that_some_epochs_have_leaves_the_others_empty(tmp_path):
    checkpoint = make(tmp_path)
    checkpoint.set_model(network())
    checkpoint.model.optimizer.build(checkpoint.model.trainable_variables)
    checkpoint.on_epoch_end(0, {"loss": 2.0})
    checkpoint.on_epoch_end(1, {"loss": 1.0, "val_loss": np.float32(3.0)})
    assert rows(tmp_path) == [
        {"epoch": "1", "loss": "2.0", "val_loss": ""},
        {"epoch": "2", "loss": "1.0", "val_loss": "3.0"},
    ]
    state = json.loads((tmp_path / "checkpoint/epoch-2/state.json").read_text())
    assert len(state["history"]) == state["epoch"] == 2
