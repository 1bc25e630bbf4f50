"""Trains by a recipe: python -m training.train RECIPE [--data-dir DIR] [--smoke]."""

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
    name = f"{options.recipe.stem}-smoke" if options.smoke else options.recipe.stem
    run_dir = options.run_dir or Path("runs") / name
    print(f"run directory: {run_dir}")
    if options.smoke:
        from kerasseg.experiment.smoke import run_smoke_test

        # A directory of that name holds nothing but an earlier smoke test.
        overwrite = options.overwrite or options.run_dir is None
        run_smoke_test(recipe, run_dir, data_dir=options.data_dir, overwrite=overwrite)
    else:
        from kerasseg.experiment.experiment import run_experiment

        run_experiment(recipe, run_dir, data_dir=options.data_dir, overwrite=options.overwrite)


_MORE = """\
examples:
  python -m training.train training/recipes/quickstart.toml
  python -m training.train training/recipes/folder.toml --data-dir my_photos \\
      --set 'data.class_names=["background", "leaf"]' --set training.batch_size=8

Values of --set are written as in TOML; docs/recipes.md has every key.

Ctrl-C keeps the weights of the moment in interrupted.keras of the run directory. After it, after a
kill or a full disk, the same command goes on from the last epoch that had ended. A run that has
ended is evaluated again and not trained again.

exit status: 0; 1 after a mistake of this program, with a traceback; 2 after bad input; 130 when
interrupted by Ctrl-C.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.train",
        description=__doc__,
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recipe", type=Path, help="a TOML file, such as those in training/recipes")
    parser.add_argument("--data-dir", metavar="DIR", help="where the data set lies")
    parser.add_argument(
        "--run-dir", type=Path, metavar="DIR", help="where to write (default: runs/RECIPE)"
    )
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
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="runs a few small steps on generated images, to see that all of it works",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
