"""Running Python in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent


def run_python(*arguments: str, cwd: Path, path: Path = CHECKOUT) -> str:
    """Returns what `python ARGUMENTS` prints; `path` alone is what it may import beside packages.

    A process that ends badly fails the test with what it said.
    """
    environment = {**os.environ, "PYTHONPATH": str(path), "TF_CPP_MIN_LOG_LEVEL": "2"}
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    return ended.stdout
