"""Trains by a recipe: python -m training.train RECIPE [--data-dir DIR] [--run-dir DIR]."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from kerasseg.command_line import program


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Trains, evaluates and leaves everything in the run directory.

    Interrupted and started again with the same command it goes on from the last epoch.
    """
    options = _parser().parse_args(arguments)
    from kerasseg.recipe import read_recipe

    recipe = read_recipe(options.recipe, options.set)
    from kerasseg.experiment import run_experiment

    run_dir = options.run_dir or Path("runs") / options.recipe.stem
    print(f"run directory: {run_dir}")
    run_experiment(recipe, run_dir, data_dir=options.data_dir, overwrite=options.overwrite)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("recipe", type=Path, help="a TOML file, such as those in training/recipes")
    parser.add_argument("--data-dir", help="where the data set lies")
    parser.add_argument("--run-dir", type=Path, help="where to write (default: runs/RECIPE)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="replaces a value of the recipe; may be given several times",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="deletes the run that is in the run directory"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
