"""The evaluation of a run on a split, as a file of the run."""

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kerasseg.data.checking import say_skipped
from kerasseg.data.streams import (
    ExampleStream,
    Split,
    check_again,
    checked,
    decoded,
    fingerprint_of_split,
    some_examples,
)
from kerasseg.errors import KerassegError
from kerasseg.evaluation.engine import Evaluation, evaluate
from kerasseg.evaluation.metrics import class_iou, mean_iou
from kerasseg.evaluation.protocol import Protocol, name_of
from kerasseg.evaluation.tile_differences import tile_differences
from kerasseg.files import atomic_file
from kerasseg.label_set import LabelSet
from kerasseg.version import __version__

if TYPE_CHECKING:
    from kerasseg.run import Run

SCHEMA_VERSION = 1


def result_file(run: "Run", split: str, protocol: Protocol, weights: str, name: str = "") -> Path:
    """Returns where an evaluation goes: `evaluation/<split>-<protocol>-<weights>.json`.

    Args:
        run: The run directory.
        split: Name of the split.
        protocol: How it is evaluated.
        weights: `"last"` or `"best"`.
        name: Another name for the file, without suffix.

    Raises:
        KerassegError: If the name has a directory in it.
    """
    stem = name or f"{split}-{name_of(protocol)}-{weights}".replace("/", "-")
    if Path(stem).name != stem:
        raise KerassegError(f"--name {name!r} is a path; give the name of a file alone.")
    return run.file("evaluation") / f"{stem}.json"


def find_split(
    run: "Run", name: str, data_dir: str | os.PathLike[str] | None
) -> tuple[Split, LabelSet]:
    """Returns a checked split of the data set of a run's recipe, and its classes.

    Args:
        run: The run directory.
        name: Of the split; empty for the recipe's validation split.
        data_dir: Where the data lie, if not where the recipe says.

    Raises:
        KerassegError: If the data cannot be used, or have other classes than the run.
    """
    from kerasseg.recipe import open_source, read_recipe

    recipe = read_recipe(run.file("recipe.toml"))
    labels, find = open_source(recipe.data, data_dir)
    trained = run.description.class_names
    if labels.class_names != trained:
        raise KerassegError(
            f"{run.path} was trained on the classes {', '.join(trained)}, and the data have "
            f"{', '.join(labels.class_names)}. Give the data of these classes as --data-dir."
        )
    found = checked(find(name or recipe.data.validation_split), labels, recipe.data.on_error)
    say_skipped(found.skipped, len(found.split) + len(found.skipped))
    return found.split, labels


def evaluate_model(
    model: keras.Model,
    split: Split,
    labels: LabelSet,
    protocol: Protocol,
    *,
    batch_size: int = 4,
    devices: tuple[str, ...] = (),
) -> tuple[Evaluation, float]:
    """Returns how the model of a run does on a split, and the seconds that took.

    Args:
        model: With the weights to evaluate.
        split: What `find_split` returned.
        labels: Its classes.
        protocol: How to evaluate.
        batch_size: As for `evaluate`.
        devices: As for `evaluate`.

    Raises:
        KerassegError: If a file is damaged, or an argument cannot be used.
    """
    began = time.monotonic()
    try:
        found = evaluate(model, split, labels, protocol, batch_size=batch_size, devices=devices)
    except tf.errors.ResourceExhaustedError:
        raise KerassegError(
            "the memory is too small for these images: say --tile 512, or a smaller --batch-size."
        ) from None
    except tf.errors.OpError:
        check_again(split, labels)  # names the file that the error does not
        raise
    return found, time.monotonic() - began


def differences_of_tiles(
    model: keras.Model, split: Split, protocol: Protocol
) -> dict[int, float] | None:
    """Returns what `tile_differences` does for an image of a split; None if it fits into a tile.

    Args:
        model: The model that was evaluated.
        split: Of the first of its images no more than two tiles' height and width are taken,
            since an image that needs tiles may be too large to be seen whole.
        protocol: With tiles.
    """
    (example,) = some_examples(split, 1)
    image = decoded(example)[0][: 2 * protocol.tile, : 2 * protocol.tile]
    if max(image.shape[:2]) <= protocol.tile:
        return None
    return tile_differences(model, image, protocol.tile, protocol=protocol)


def write_result(
    file: Path,
    evaluation: Evaluation,
    seconds: float,
    split: Split,
    labels: LabelSet,
    facts: dict[str, Any],
) -> None:
    """Writes the numbers of an evaluation as JSON.

    `images` holds for each image its name, its mean IoU (null where it is all void), and for each
    class the pixels of overlap and of union, from which any mean over images can be made.

    Args:
        file: Where; see `result_file`.
        evaluation: The numbers.
        seconds: What it took.
        split: What was evaluated.
        labels: Its classes.
        facts: Further entries: split, protocol, weights.
    """
    ious = class_iou(evaluation.confusion)
    result = {
        "schema_version": SCHEMA_VERSION,
        "kerasseg_version": __version__,
        **facts,
        "fingerprint": fingerprint_of_split(split),
        "class_names": list(labels.class_names),
        "mean_iou": mean_iou(evaluation.confusion),
        "class_iou": dict(zip(labels.class_names, map(_number, ious), strict=True)),
        "seconds": round(seconds, 2),
        "images_per_second": round(len(evaluation.numbers) / max(seconds, 1e-9), 2),
        "confusion": evaluation.confusion.tolist(),
        "images": _images(evaluation, _names(split)),
    }
    with atomic_file(file) as temporary:
        temporary.write_text(json.dumps(result) + "\n", encoding="utf-8")


def _images(evaluation: Evaluation, names: list[str]) -> list[dict[str, Any]]:
    order = np.argsort(evaluation.numbers)
    return [
        {
            "name": names[evaluation.numbers[row]],
            "iou": _number(evaluation.image_iou[row]),
            "overlap": evaluation.overlap[row].tolist(),
            "union": evaluation.union[row].tolist(),
        }
        for row in order
    ]


def _names(split: Split) -> list[str]:
    if isinstance(split, ExampleStream):
        names = split.in_order().map(lambda name, image, label: name)
        return [name.decode() for name in names.as_numpy_iterator()]
    return [pair.image.name for pair in split]


def _number(value: float) -> float | None:
    """Returns what JSON knows: it has no NaN."""
    return None if np.isnan(value) else float(value)
