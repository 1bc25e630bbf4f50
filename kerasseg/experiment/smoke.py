"""A few steps of a recipe on generated images, to see that it runs before it is started."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kerasseg import data
from kerasseg.data.miniature import write_miniature
from kerasseg.data.records import tfds
from kerasseg.label_set import LabelSet
from kerasseg.recipe import DataRecipe, Recipe, open_source
from kerasseg.run import Run

CROP = (96, 96)
LEAST_BATCHES = 2
VALIDATION_IMAGES = 2
# Of a folder without class names, which only its owner knows.
_TWO_CLASSES = ("background", "object")


def smoke_recipe(recipe: Recipe, labels: LabelSet, replicas: int = 1) -> Recipe:
    """Returns the recipe of a smoke test.

    Architecture, backbone, loss, optimizer, schedule and all else stay. The crop, the batch, the
    epochs, the data and the weights to start from are others: one epoch with as many batches as
    one step of the optimizer takes, and at least two.

    Args:
        recipe: The recipe to be tested.
        labels: The classes of its data; see `smoke_labels`.
        replicas: Devices that share a batch.

    Example:
        >>> from kerasseg.recipe import EXAMPLE, parse_recipe
        >>> recipe = parse_recipe(EXAMPLE, ["optimizer.accumulate_steps=4"])
        >>> tested = smoke_recipe(recipe, data.describe("camvid").labels)
        >>> tested.training.epochs, tested.training.batch_size, num_train_images(tested)
        (1, 2, 8)
        >>> tested.optimizer == recipe.optimizer
        True
    """
    sections = recipe.model_dump(mode="json")
    sections["model"] |= {"backbone_weights": "none", "weights": "none"}
    sections["data"] = _data(recipe.data, labels)
    sections["augmentation"]["crop_size"] = list(CROP)
    sections["training"] |= {
        "epochs": 1,
        "batch_size": replicas * min(2, max(1, recipe.training.batch_size // replicas)),
        "validate_every": 1,
    }
    return Recipe.model_validate(sections)


def _data(wanted: DataRecipe, labels: LabelSet) -> dict[str, object]:
    return {
        "dataset": "folder",
        "class_names": labels.class_names,
        "palette": labels.colours,
        "ignore_label": labels.ignore_label,
        "cache": wanted.cache,
        "on_error": wanted.on_error,
    }


def num_train_images(tested: Recipe) -> int:
    """Returns how many images the recipe of a smoke test needs to learn from."""
    return tested.training.batch_size * max(LEAST_BATCHES, tested.optimizer.accumulate_steps)


def smoke_labels(recipe: Recipe, data_dir: str | os.PathLike[str] | None = None) -> LabelSet:
    """Returns the classes of a recipe's data, which need not be there if it is of the catalogue.

    Args:
        recipe: The recipe. A folder for which it names no classes gets two.
        data_dir: Where data lie that hold their classes themselves: records, and annotations in
            COCO's format.

    Raises:
        KerassegError: If such data are not there.

    Example:
        >>> from kerasseg.recipe import EXAMPLE, parse_recipe
        >>> smoke_labels(parse_recipe(EXAMPLE)).num_classes
        11
    """
    wanted = recipe.data
    if wanted.dataset in data.names():
        return data.describe(wanted.dataset).labels
    if wanted.dataset in tfds.names():
        return tfds.labels_of(wanted.dataset)
    if wanted.dataset == "folder":
        names = wanted.class_names or _TWO_CLASSES
        return LabelSet(names, wanted.palette or None, wanted.ignore_label)
    return open_source(wanted, data_dir).labels


def changes(recipe: Recipe, tested: Recipe) -> Iterator[str]:
    """Yields what a smoke test has in place of what, a line each; the classes are the recipe's.

    Example:
        >>> from kerasseg.recipe import EXAMPLE, parse_recipe
        >>> recipe = parse_recipe(EXAMPLE)
        >>> list(changes(recipe, smoke_recipe(recipe, smoke_labels(recipe))))[0]
        "model.backbone_weights = 'none' in place of 'imagenet'"
    """
    for section in ("model", "data", "augmentation", "training"):
        before, after = (getattr(one, section).model_dump(mode="json") for one in (recipe, tested))
        for key in after:
            if after[key] != before[key] and key not in ("class_names", "palette", "ignore_label"):
                yield f"{section}.{key} = {after[key]!r} in place of {before[key]!r}"


def run_smoke_test(
    recipe: Recipe,
    run_dir: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Run:
    """Runs a few steps of a recipe on images that are drawn for it, from training to report.

    Args:
        recipe: The recipe; nothing of its data or weights has to be there.
        run_dir: Where to leave the run; its scores mean nothing.
        data_dir: As for `smoke_labels`.
        overwrite: Whether a run that is there already may be deleted first.

    Raises:
        KerassegError: As `run_experiment` does.
    """
    from kerasseg.experiment.experiment import run_experiment
    from kerasseg.workers.workers import count_replicas

    labels = smoke_labels(recipe, data_dir)
    tested = smoke_recipe(recipe, labels, count_replicas(recipe))
    counts = {"train": num_train_images(tested), "val": VALIDATION_IMAGES}
    print(f"a smoke test, of {counts['train']} generated images: what it scores says nothing")
    print("".join(f"  {line}\n" for line in changes(recipe, tested)), end="")
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_miniature(Path(temporary) / "data", labels, counts)
        run = run_experiment(tested, run_dir, data_dir=folder, overwrite=overwrite)
    print("the smoke test has ended, and its score means nothing: the images were generated")
    return run
