"""The data of an experiment: the checked splits that its recipe names."""

import os
from dataclasses import dataclass

from kerasseg.data.checking import say_absent, say_skipped
from kerasseg.data.streams import Split, checked, fingerprint_of_split
from kerasseg.label_set import LabelSet
from kerasseg.recipe import Recipe, open_source


@dataclass(frozen=True)
class Splits:
    """What a run learns from and is measured on, checked, and why examples were left out."""

    train: Split
    validation: Split
    labels: LabelSet
    fingerprint: dict[str, str | int]
    skipped: tuple[str, ...] = ()


def find_splits(recipe: Recipe, data_dir: str | os.PathLike[str] | None) -> Splits:
    """Returns the checked splits of a recipe's data set; `shapes` is generated if need be.

    What is left out of them is said on standard error.
    """
    labels, find = open_source(recipe.data, data_dir)
    found = [find(name) for name in (recipe.data.train_split, recipe.data.validation_split)]
    parts = [checked(split, labels, recipe.data.on_error) for split in found]
    train_split, validation = (part.split for part in parts)
    skipped = tuple(message for part in parts for message in part.skipped)
    say_skipped(skipped, sum(len(part.split) + len(part.skipped) for part in parts))
    say_absent(parts[0].absent, f"the split {recipe.data.train_split!r}")
    fingerprint: dict[str, str | int] = {
        "train": fingerprint_of_split(train_split),
        "validation": fingerprint_of_split(validation),
    }
    if recipe.data.dataset == "shapes":
        from kerasseg.data.shapes import GENERATOR_VERSION

        fingerprint["generator_version"] = GENERATOR_VERSION
    return Splits(train_split, validation, labels, fingerprint, skipped)
