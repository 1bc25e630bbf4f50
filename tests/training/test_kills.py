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

KILLS, IN_SAVES = 20, 8
SETTINGS = ("training.epochs=70", "training.validate_every=3", "output.pictures=1")


def moments(seed):
    """Returns when to kill each start: most of them in a step or a validation, some in a save."""
    generator = random.Random(seed)
    steps = [
        f"step:{generator.randint(1, 6)}:{generator.randint(0, 200)}"
        for _ in range(KILLS - IN_SAVES)
    ]
    saves = [f"save:{generator.randint(1, 3)}:{generator.randint(1, 9)}" for _ in range(IN_SAVES)]
    return generator.sample(steps + saves, KILLS)


@pytest.fixture
def start(recipe, data_dir):
    """Starts the program in a process of its own and returns how it ended."""

    def run(moment, run_dir, *settings):
        chosen = [part for setting in settings for part in ("--set", setting)]
        places = ["--data-dir", str(data_dir), "--run-dir", str(run_dir)]
        program = "tests.training.train_killed"
        return subprocess.run(
            [sys.executable, "-m", program, moment, str(recipe), *places, *chosen],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture
def killed(start):
    """Starts the program in a process of its own and returns whether it was killed."""

    def run(moment, run_dir):
        ended = start(moment, run_dir, *SETTINGS)
        assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
        return ended.returncode != 0

    return run


@pytest.mark.slow
def test_killed_at_twenty_moments(killed, train, tmp_path):
    seed = int(os.environ.get("KERASSEG_KILL_SEED", random.randrange(10**6)))
    print(f"KERASSEG_KILL_SEED={seed}")
    whole, disturbed = tmp_path / "whole", tmp_path / "disturbed"
    assert train(whole, *SETTINGS) == 0
    deaths = [moment for moment in moments(seed) if killed(moment, disturbed)]
    print("killed at", *deaths)
    assert len(deaths) == KILLS
    assert sum(moment.startswith("save") for moment in deaths) >= 5
    assert not killed("never", disturbed)
    assert_same_result(disturbed, whole)
    assert not list(disturbed.rglob("*.partial*"))


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
