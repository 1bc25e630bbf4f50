"""Killed at any moment, or with a full disk, a run ends as one that was never disturbed."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import CHECKOUT
from tests.training.runs import assert_same_result

STEPS, SAVES, TORN = 9, 5, 3
# What a save does to files: the first of all, one that has an older checkpoint to delete, and that
# of the best model.
FIRST, LATER, BEST = 13, 16, 12
SETTINGS = ("training.epochs=70", "training.validate_every=3", "output.pictures=1")


def moments(seed):
    """Returns when to kill each of twenty starts.

    The first is within the very first save. The two after that are within the first save of the
    best model, which comes with the first validation for sure; the others are in any order.
    """
    between = random.Random(seed).randint
    first = [f"save:1:{between(1, FIRST)}", *(f"best:1:{between(1, BEST)}" for _ in range(2))]
    others = [
        *(f"step:{between(1, 6)}:{between(0, 200)}" for _ in range(STEPS)),
        *(f"save:{between(1, 3)}:{between(1, LATER)}" for _ in range(SAVES)),
        *(f"torn:{between(1, 3)}:{between(2, 200)}" for _ in range(TORN)),
    ]
    return first + random.Random(seed).sample(others, len(others))


def test_there_are_twenty_moments():
    assert len(moments(0)) == 20
    assert moments(0) == moments(0) != moments(1)


@pytest.fixture
def start(recipe, data_dir):
    """Starts the program in a process of its own and returns how it ended."""

    def run(moment, run_dir, *settings, killed=""):
        chosen = [part for setting in settings for part in ("--set", setting)]
        places = ["--data-dir", str(data_dir), "--run-dir", str(run_dir)]
        program = "tests.training.train_killed"
        return subprocess.run(
            [sys.executable, "-m", program, moment, str(recipe), *places, *chosen],
            cwd=CHECKOUT,
            env={**os.environ, "KERASSEG_KILLED": str(killed)},
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture
def killed(start, tmp_path):
    """Starts the program in a process of its own and returns what it did as it was killed."""
    place = tmp_path / "killed.txt"

    def run(moment, run_dir):
        place.unlink(missing_ok=True)
        ended = start(moment, run_dir, *SETTINGS, killed=place)
        assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
        assert place.is_file() == (ended.returncode != 0)
        return place.read_text() if ended.returncode else None

    return run


@pytest.mark.slow
def test_killed_at_twenty_moments(killed, train, tmp_path):
    seed = int(os.environ.get("KERASSEG_KILL_SEED", random.randrange(10**6)))
    print(f"KERASSEG_KILL_SEED={seed}")
    whole, disturbed = tmp_path / "whole", tmp_path / "disturbed"
    assert train(whole, *SETTINGS) == 0
    deaths = [(moment, killed(moment, disturbed)) for moment in moments(seed)]
    print("killed at", deaths)
    saves = {"save": "saving the checkpoint", "torn": "saving the checkpoint"}
    saves |= {"best": "saving the best"}
    for moment, doing in deaths:
        assert doing is not None, moment
        kind = moment.partition(":")[0]
        assert doing == saves.get(kind, doing), moment
    places = [doing for _, doing in deaths]
    assert places.count("saving the checkpoint") >= 9
    assert places.count("saving the best") >= 2
    assert not killed("never", disturbed)
    assert_same_result(disturbed, whole)
    assert not list(disturbed.rglob("*.partial*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kilobytes", "file", "epochs"), [(60, "checkpoint/epoch-1", 0), (150, "best.keras", 1)]
)
def test_a_full_disk_ends_the_run_and_it_goes_on_when_there_is_room(
    start, train, undisturbed, tmp_path, kilobytes, file, epochs
):
    run_dir = tmp_path / "run"
    ended = start(f"full:{kilobytes}", run_dir)
    assert ended.returncode == 2, ended.stderr
    error = ended.stderr.splitlines()[-1]
    assert error.startswith(f"error: {run_dir / file} cannot be written: File too large. Make room")
    assert len(list((run_dir / "checkpoint").glob("epoch-*"))) == min(epochs, 1)
    assert not list(run_dir.rglob("*.partial*"))
    assert train(run_dir) == 0
    assert_same_result(run_dir, undisturbed)


def test_a_run_directory_that_must_not_be_written(train, capsys):
    assert train(Path("/sys/runs/leaves")) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "/sys/runs/leaves/run.json cannot be written: " in error
    assert "Give another directory, or allow it" in error
