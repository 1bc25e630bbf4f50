"""Two processes of this machine in the place of two machines."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_addresses
from tests.processes import CHECKOUT


@dataclass
class Ended:
    """A process that has ended."""

    status: int
    out: str
    err: str
    seconds: float

    @property
    def message(self) -> str:
        """What it said in the end, without the lines of TensorFlow."""
        return self.err[self.err.rfind("error: ") :]


def start(
    index: int, addresses: Sequence[str], arguments: Sequence[str], kill_at: int = 0
) -> subprocess.Popen[str]:
    """Starts `training.train` with the tiny backbone as one machine of several."""
    config = {
        "cluster": {"worker": list(addresses)},
        "task": {"type": "worker", "index": index},
    }
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "TF_CONFIG": json.dumps(config)}
    moment = f"step:{kill_at}:0" if kill_at else "never"
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training.train_killed", moment, *arguments],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def both(
    arguments: Sequence[str],
    *,
    killed: int | None = None,
    kill_at: int = 0,
    more: Sequence[Sequence[str]] = ((), ()),
    timeout: float = 900,
) -> list[Ended]:
    """Runs the same command as two machines; one of them may kill itself after some steps.

    `seconds` is how long each lived on after the first of them had ended.
    """
    addresses = free_addresses(2)
    started = [
        start(index, addresses, [*arguments, *more[index]], kill_at if index == killed else 0)
        for index in range(2)
    ]
    try:
        return _await_both(started, timeout)
    finally:
        for process in started:
            process.kill()


def _await_both(started: list[subprocess.Popen[str]], timeout: float) -> list[Ended]:
    ends = [0.0, 0.0]
    deadline = time.monotonic() + timeout
    while not all(ends):
        assert time.monotonic() < deadline, "a process goes on"
        time.sleep(0.2)
        for index, process in enumerate(started):
            if process.poll() is not None and not ends[index]:
                ends[index] = time.monotonic()
    said = [process.communicate() for process in started]
    return [
        Ended(process.returncode, *said[index], ends[index] - min(ends))
        for index, process in enumerate(started)
    ]


def arguments(recipe: Path, data_dir: Path, run_dir: Path, *settings: str) -> list[str]:
    """Returns the arguments of `training.train`."""
    chosen = [part for setting in settings for part in ("--set", setting)]
    return [str(recipe), "--data-dir", str(data_dir), "--run-dir", str(run_dir), *chosen]
