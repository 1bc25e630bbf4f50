"""How long the recipes that were not run would train: python -m benchmarks.training_time.

Nothing is measured: the program counts multiply-adds, and writes what follows from them behind
`Time:` of the recipes' headers. A recipe of a paper is taken to run on one A100, at the rate that
docs/scaling.md assumes; one for two cores takes per multiply-add what camvid.toml took, whose
minutes stand in docs/recipes.md. Run it again when one of these changes.
"""

import argparse
import functools
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

from benchmarks.scaling import Assumptions
from kerasseg import count_macs, data
from kerasseg.recipe import ARCHITECTURES, Recipe, read_recipe

RECIPES = Path(__file__).parents[1] / "training" / "recipes"
PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"
ON_TWO_CORES = ("camvid_keras_cv", "folder", "oxford_iiit_pet")
PHOTOS = 100  # of a folder, whose own number nobody knows
_ESTIMATE = re.compile(r"^estimated, not run: .*?\.(?= [A-Z]|$)")


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the estimates into the headers."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    for name in names():
        path = RECIPES / f"{name}.toml"
        told = estimate(name)
        path.write_text(with_estimate(path.read_text(), told))
        print(f"{name}: {told}")


def names() -> list[str]:
    """Returns the recipes that have not been run."""
    return [
        path.stem
        for path in sorted(RECIPES.glob("*.toml"))
        if "# Measured: not run here." in path.read_text()
    ]


def estimate(name: str) -> str:
    """Returns the sentence on the time of a recipe."""
    if name in ON_TWO_CORES:
        minutes = camvid_minutes() * operations(name) / operations("camvid")
        told = f"about {in_words(60 * minutes)} on 2 cores of an Intel Xeon with AMX"
        told += f" for {PHOTOS} training photos" if name == "folder" else ""
        return f"estimated, not run: {told}, by the seconds per step of camvid.toml."
    rate, batch = Assumptions.flops, read_recipe(RECIPES / f"{name}.toml").training.batch_size
    small = f", which a batch of {batch} will not reach" if batch < Assumptions.images else ""
    return (
        f"estimated, not run: about {in_words(operations(name) / rate)} on one A100, at an assumed "
        f"{rate / 1e12:.0f} TFLOP/s in mixed_bfloat16{small}."
    )


def operations(name: str) -> float:
    """Returns the floating-point operations of a whole training, validation left out.

    The backward pass costs twice the forward one, and a multiply-add is two operations.
    """
    recipe = read_recipe(RECIPES / f"{name}.toml")
    training = recipe.training
    steps = training.epochs * (num_images(recipe) // training.batch_size)
    return 3 * 2 * macs(name) * training.batch_size * steps


def num_images(recipe: Recipe) -> int:
    """Returns how many images a recipe learns from, as published."""
    if recipe.data.dataset == "folder":
        return PHOTOS
    return data.describe(recipe.data.dataset).images[recipe.data.train_split]


@functools.cache
def macs(name: str) -> int:
    """Returns the multiply-adds of the forward pass of one crop of a recipe."""
    recipe = read_recipe(RECIPES / f"{name}.toml")
    is_folder = recipe.data.dataset == "folder"
    classes = 2 if is_folder else data.describe(recipe.data.dataset).labels.num_classes
    model = ARCHITECTURES[recipe.model.architecture](
        recipe.model.backbone, classes, backbone_weights=None, **recipe.model.options
    )
    return count_macs(model, recipe.augmentation.crop_size)


def camvid_minutes(page: Path = PAGE) -> float:
    """Returns the minutes of training of camvid.toml, from the table of docs/recipes.md."""
    (row,) = re.findall(r"^\| `training/recipes/camvid\.toml` .*$", page.read_text(), re.M)
    return float(row.split(" | ")[2])


def in_words(seconds: float) -> str:
    """Returns a time in two digits or so.

    Example:
        >>> in_words(1290), in_words(5040), in_words(160000)
        ('22 minutes', '1.4 hours', '44 hours')
    """
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 4500:
        return f"{seconds / 60:.0f} minutes"
    hours = seconds / 3600
    return f"{hours:.1f} hours" if hours < 9.95 else f"{hours:.0f} hours"


def time_of(recipe: str) -> str:
    """Returns what stands behind `Time:` in the header of a recipe's text, on one line."""
    (found,) = re.findall(r"^# Time: (.*?)\n(?=# [A-Z]\w+: |\n)", recipe, re.M | re.S)
    return str(found).replace("\n# ", " ")


def with_estimate(recipe: str, told: str) -> str:
    """Returns a recipe's text with another estimate; what follows on it in the header stays."""
    before = time_of(recipe)
    after = f"{told} {_ESTIMATE.sub('', before).strip()}".strip()
    lines = textwrap.wrap(f"Time: {after}", 98, break_long_words=False, break_on_hyphens=False)
    text = "".join(f"# {line}\n" for line in lines)
    return re.sub(
        r"^# Time: .*?\n(?=# [A-Z]\w+: |\n)", lambda _: text, recipe, count=1, flags=re.M | re.S
    )


if __name__ == "__main__":
    main()
