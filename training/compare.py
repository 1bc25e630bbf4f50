"""Compares two runs image by image: python -m training.compare RUN_A RUN_B [--name NAME].

Of what training leaves at its end, or of what training.evaluate left under a name, by any protocol.
RUN_B may be RUN_A: --name val-whole-last --name-b val-refinenet-last compares two protocols.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from kerasseg.command_line import program


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the IoU of both, the difference and its bootstrap interval, for each class too."""
    options = _parser().parse_args(arguments)
    from kerasseg.evaluation.comparison.comparison import check_alike, compare, comparison_table
    from kerasseg.evaluation.comparison.image_counts import read_image_counts
    from kerasseg.run import Run

    paths = options.run_a, options.run_b
    names = options.name, options.name_b or options.name
    runs = [Run.open(path) for path in paths]
    first, second = map(read_image_counts, runs, names)
    if not options.name_b:
        check_alike(first, second)
    comparison = compare(
        first, second, samples=options.samples, seed=options.seed, absent=options.absent
    )
    for letter, path, name, counts in zip("AB", paths, names, (first, second), strict=True):
        print(f"{letter}: {path}, {name} ({counts.way})")
    print(comparison_table(comparison))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run_a", type=Path, metavar="RUN_A", help="a run directory")
    parser.add_argument("run_b", type=Path, metavar="RUN_B", help="another one")
    parser.add_argument(
        "--name",
        default="validation",
        help="compares what evaluation/ of both runs holds under this name, such as "
        "val-refinenet-last (default: validation, which training leaves)",
    )
    parser.add_argument(
        "--name-b",
        default="",
        metavar="NAME",
        help="takes this one of RUN_B instead",
    )
    parser.add_argument(
        "--samples",
        type=int,
        default=10_000,
        help="draws images N times, at most 100000 (default: 10000)",
        metavar="N",
    )
    parser.add_argument("--seed", type=int, default=0, help="decides the draws (default: 0)")
    parser.add_argument(
        "--absent",
        metavar="{skip,one,zero}",
        default="skip",
        help="leaves a class that occurs in neither truth nor prediction out of the mean, or "
        "counts it as 1 or as 0 (default: skip)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
