"""Shows what a recipe's network will see: python -m training.preview RECIPE [--data-dir DIR]."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kerasseg.command_line import program
from kerasseg.errors import KerassegError

if TYPE_CHECKING:
    import numpy as np

    from kerasseg.experiment.splits import Splits
    from kerasseg.recipe import Recipe

_COLUMNS = 2


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Writes a contact sheet of the first crops of a run, each beside its labels."""
    options = _parser().parse_args(arguments)
    out = options.out or Path(f"preview-{options.recipe.stem}.png")
    _check_free(out, options.overwrite)
    from kerasseg.recipe import read_recipe

    recipe = read_recipe(options.recipe, options.set)
    from kerasseg.experiment.splits import find_splits
    from kerasseg.visualization import contact_sheet, labelled_crop

    splits = find_splits(recipe, options.data_dir)
    pictures = [
        labelled_crop(image, label, splits.labels, title=f"crop {number}")
        for number, (image, label) in enumerate(_crops(recipe, splits, options.count), start=1)
    ]
    try:
        sheet = contact_sheet(pictures, out, columns=_COLUMNS, labels=splits.labels)
    except OSError as error:
        raise KerassegError(f"{out} cannot be written: {error.strerror or error}.") from None
    print(f"{len(pictures)} crops, {sheet.width}x{sheet.height} pixels: {out}")


def _check_free(out: Path, overwrite: bool) -> None:
    if out.suffix.lower() != ".png":
        raise KerassegError(f"--out {out} is no PNG file; give a name that ends in .png.")
    if out.is_dir():
        raise KerassegError(f"--out {out} is a directory; give a file in it.")
    if out.exists() and not overwrite:
        raise KerassegError(f"{out} is there already. Give another --out, or say --overwrite.")


def _crops(
    recipe: "Recipe", splits: "Splits", count: int
) -> "Iterator[tuple[np.ndarray, np.ndarray]]":
    """Returns the first crops of the run as it would draw them, image and label map."""
    from kerasseg import data

    batch_size = recipe.training.batch_size
    batches = data.training_batches(
        splits.train,
        splits.labels,
        batch_size=batch_size,
        seed=recipe.training.seed,
        epochs=recipe.training.epochs,
        cache=False,
        **recipe.augmentation.model_dump(),
    )
    drawn = len(batches) * batch_size
    if not 1 <= count <= drawn:
        raise KerassegError(f"--count {count}: the run draws {drawn} crops; give 1..{drawn}.")
    return batches.take(-(-count // batch_size)).unbatch().take(count).as_numpy_iterator()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.preview", description=__doc__)
    parser.add_argument("recipe", type=Path, help="a TOML file, such as those in training/recipes")
    parser.add_argument("--data-dir", help="where the data set lies")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="replaces a value of the recipe; may be given several times",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE.png", help="what to write (default: preview-RECIPE.png)"
    )
    parser.add_argument("--count", type=int, default=12, help="how many crops (default: 12)")
    parser.add_argument("--overwrite", action="store_true", help="replaces the file if it is there")
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
