"""The evaluation of a run on a split, as a file of the run."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from kerasseg.data.checking import say_skipped
from kerasseg.data.streams import Split, check_again, checked, decoded, examples_at, sizes_of
from kerasseg.errors import KerassegError
from kerasseg.evaluation.comparison.image_counts import FOLDER, check_name
from kerasseg.evaluation.inference.engine import Evaluation, evaluate
from kerasseg.evaluation.inference.memory import OUT_OF_MEMORY, tile_remedy
from kerasseg.evaluation.inference.protocol import Protocol, name_of
from kerasseg.evaluation.inference.tile_differences import tile_differences
from kerasseg.evaluation.result.details import Tally
from kerasseg.label_set import LabelSet

if TYPE_CHECKING:
    from kerasseg.run import Run


def result_file(run: "Run", split: str, protocol: Protocol, weights: str, name: str = "") -> Path:
    """Returns where an evaluation goes: `evaluation/<split>-<protocol>-<weights>.json`.

    Args:
        run: The run directory.
        split: Name of the split.
        protocol: How it is evaluated.
        weights: `"last"` or `"best"`.
        name: Another name for the file, without suffix.

    Raises:
        KerassegError: If the name is a path, or too long.
    """
    stem = name or f"{split}-{name_of(protocol)}-{weights}".replace("/", "-")
    check_name(stem)
    return run.file(FOLDER) / f"{stem}.json"


def facts_of(split: str, protocol: Protocol, weights: str) -> dict[str, Any]:
    """Returns what `result_of` takes as facts: what is evaluated, and how.

    What tiles change is `differences_of_tiles`' to say; until then nothing of it is known.

    Args:
        split: Name of the split.
        protocol: How it is evaluated.
        weights: `"last"` or `"best"`.

    Example:
        >>> list(facts_of("val", Protocol(tile=512), "last"))
        ['split', 'protocol', 'protocol_name', 'weights', 'tile_differences']
    """
    return {
        "split": split,
        "protocol": protocol.to_json(),
        "protocol_name": name_of(protocol),
        "weights": weights,
        **({"tile_differences": {}} if protocol.tile else {}),
    }


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
    tally: Tally | None = None,
) -> tuple[Evaluation, float]:
    """Returns how the model of a run does on a split, and the seconds that took.

    Args:
        model: With the weights to evaluate.
        split: What `find_split` returned.
        labels: Its classes.
        protocol: How to evaluate.
        batch_size: As for `evaluate`.
        devices: As for `evaluate`.
        tally: As for `evaluate`.

    Raises:
        KerassegError: If a file is damaged, or an argument cannot be used.
    """
    began = time.monotonic()
    try:
        found = evaluate(
            model,
            split,
            labels,
            protocol,
            batch_size=batch_size,
            devices=devices,
            tally=tally,
        )
    except OUT_OF_MEMORY:
        raise KerassegError(
            f"the memory is too small for these images: say {tile_remedy(protocol)}, or a smaller "
            "--batch-size."
        ) from None
    except tf.errors.OpError:
        check_again(split, labels)  # names the file that the error does not
        raise
    return found, time.monotonic() - began


def differences_of_tiles(
    model: keras.Model, split: Split, protocol: Protocol
) -> dict[int, float] | None:
    """Returns what `tile_differences` does for an image of a split; None if all fit into a tile.

    Empty if the memory is too small to see that image whole. The system may end the process
    instead: what is to be kept has to be written before.

    Args:
        model: The model that was evaluated.
        split: Of the first of its images that is larger than a tile no more than two tiles' height
            and width are taken, since an image that needs tiles may be too large to be seen whole.
        protocol: With tiles.
    """
    larger = (place for place, size in enumerate(sizes_of(split)) if max(size) > protocol.tile)
    place = next(larger, None)
    if place is None:
        return None
    (example,) = examples_at(split, [place])
    image = decoded(example)[0][: 2 * protocol.tile, : 2 * protocol.tile]
    try:
        return tile_differences(model, image, protocol.tile, protocol=protocol)
    except OUT_OF_MEMORY:
        return {}
