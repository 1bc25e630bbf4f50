"""The loss of a run: its recipe, and class weights from the pixels that it learns from."""

import json

import keras

from kerasseg.data.doctor.class_weights import class_histogram, class_weights
from kerasseg.data.streams import Split
from kerasseg.errors import KerassegError
from kerasseg.files import atomic_file
from kerasseg.label_set import LabelSet
from kerasseg.recipe import LossRecipe
from kerasseg.run import Run


def check_loss(recipe: LossRecipe, labels: LabelSet) -> None:
    """Raises a `KerassegError` for a setting that the classes rule out."""
    weights = recipe.class_weights
    if not isinstance(weights, str) and len(weights) not in (0, labels.num_classes):
        raise KerassegError(
            f"loss.class_weights has {len(weights)} weights for {labels.num_classes} classes; give "
            "one a class, a rule, or none."
        )


def loss_of_run(
    recipe: LossRecipe, train_split: Split, labels: LabelSet, run: Run
) -> keras.losses.Loss:
    """Returns the loss that a recipe asks for.

    Class weights by a rule are computed from the training split once, printed, and kept in
    `class_weights.json` of the run, from which a later start takes them.

    Args:
        recipe: The section `[loss]`, checked by `check_loss`.
        train_split: What is learned from.
        labels: The classes and the void label.
        run: The run directory.

    Raises:
        KerassegError: If no class occurs in the split, or the run's file cannot be used.
    """
    weights: tuple[float, ...] | None
    if isinstance(recipe.class_weights, str):
        weights = _by_rule(recipe.class_weights, train_split, labels, run)
    else:
        weights = recipe.class_weights or None
    return recipe.build(labels.ignore_label, weights)


def _by_rule(rule: str, split: Split, labels: LabelSet, run: Run) -> tuple[float, ...]:
    path = run.file("class_weights.json")
    if path.is_file():
        weights = _read(run, rule, labels)
    else:
        histogram = class_histogram(split, labels)
        weights = class_weights(histogram, rule)
        kept = {"rule": rule, "weights": weights, "pixels": histogram.pixels}
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(kept, indent=2) + "\n")
    named = zip(labels.class_names, weights, strict=True)
    print(f"class weights ({rule}): {', '.join(f'{name} {one:.4g}' for name, one in named)}")
    return weights


def _read(run: Run, rule: str, labels: LabelSet) -> tuple[float, ...]:
    path = run.file("class_weights.json")
    try:
        kept = json.loads(path.read_text())
        weights = tuple(map(float, kept["weights"]))
        fits = kept["rule"] == rule and len(weights) == labels.num_classes
    except (ValueError, TypeError, KeyError) as error:
        raise KerassegError(
            f"{path} is damaged. Restore it, or delete it to have it computed again."
        ) from error
    if not fits:
        raise KerassegError(
            f"{path} holds other weights than {rule!r} for {labels.num_classes} classes. Delete it "
            "to have it computed again."
        )
    return weights
