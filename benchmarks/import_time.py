"""Measures what `import kerasseg` costs beyond `import keras`, in fresh processes.

    python -m benchmarks.import_time

The two are imported in turn, so that whatever else the machine does slows both alike. The
project's limit for the difference is 0.2 s.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
PROGRAM = """
import time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""
LIMIT = 0.2


def seconds_to_import(module: str) -> float:
    """Returns how long a fresh process takes to import a module, in seconds."""
    program = [sys.executable, "-c", PROGRAM.format(module=module)]
    ended = subprocess.run(program, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    return float(ended.stdout.splitlines()[-1])


def main() -> None:
    """Prints both medians and their difference."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_time", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="imports of each (default: 9)")
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {"keras": [], "kerasseg": []}
    for _ in range(rounds + 1):
        for module, measured in seconds.items():
            measured.append(seconds_to_import(module))
    # The first round reads the files from disk.
    medians = {module: statistics.median(measured[1:]) for module, measured in seconds.items()}
    for module, median in medians.items():
        print(f"import {module}: {median:.2f} s (median of {rounds})")
    print(f"difference: {medians['kerasseg'] - medians['keras']:.2f} s (limit {LIMIT} s)")


if __name__ == "__main__":
    main()
