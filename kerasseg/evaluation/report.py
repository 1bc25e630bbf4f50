"""What a run leaves to look at: the table of its classes, its scores, its pictures."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasseg import data
from kerasseg.data.examples import Example
from kerasseg.data.streams import Split, decoded, some_examples
from kerasseg.evaluation.engine import confusion_matrix, predict
from kerasseg.evaluation.metrics import class_iou, iou_table, mean_iou
from kerasseg.files import atomic_file
from kerasseg.label_set import LabelSet
from kerasseg.run import Run


def write_report(
    run: Run,
    model: keras.Model,
    split: Split,
    labels: LabelSet,
    *,
    num_pictures: int,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Evaluates a model on whole images, prints the table and writes scores and pictures.

    Args:
        run: Where `metrics.json`, `pictures/` and `samples/` go.
        model: The model to evaluate.
        split: The images and labels to evaluate on.
        labels: Their classes and the void label.
        num_pictures: How many images are shown, spread evenly over the split.
        facts: Further entries of `metrics.json`.

    Returns:
        What `metrics.json` holds.
    """
    batches = data.evaluation_batches(split, labels, batch_size=4)
    confusion = confusion_matrix(model, batches, labels, progress=sys.stderr.isatty())
    metrics = {
        "mean_iou": mean_iou(confusion),
        "class_iou": _by_class(labels, confusion),
        "confusion": confusion.tolist(),
        "images": len(split),
        **facts,
    }
    with atomic_file(run.file("metrics.json")) as temporary:
        temporary.write_text(json.dumps(metrics, indent=2) + "\n")
    _write_pictures(run, model, some_examples(split, num_pictures), labels)
    print(iou_table(labels.class_names, confusion))
    return metrics


def _by_class(labels: LabelSet, confusion: np.ndarray) -> dict[str, float | None]:
    """Returns each class's IoU, None (JSON's null) where a class does not occur."""
    ious = class_iou(confusion).tolist()
    return {
        name: None if np.isnan(iou) else iou
        for name, iou in zip(labels.class_names, ious, strict=True)
    }


def _write_pictures(
    run: Run, model: keras.Model, examples: Sequence[Example], labels: LabelSet
) -> None:
    """Writes each image beside its truth and prediction, and the image itself for checks."""
    from kerasseg.visualization import side_by_side

    for example, name in zip(examples, unique(each.name for each in examples), strict=True):
        image, truth = decoded(example)
        picture = side_by_side(image, truth, predict(model, image), labels)
        with atomic_file(run.file("pictures") / f"{Path(name).stem}.png") as temporary:
            picture.save(temporary)
        with atomic_file(run.file("samples") / name) as temporary:
            temporary.write_bytes(example.image)


def unique(names: Iterable[str]) -> list[str]:
    """Returns file names of which no two have one stem; those that repeat get a number.

    Example:
        >>> unique(["image.jpg", "image.jpg", "other.png"])
        ['image.jpg', 'image-2.jpg', 'other.png']
    """
    taken: dict[str, str] = {}
    for path in map(Path, names):
        stems = chain([path.stem], (f"{path.stem}-{number}" for number in count(2)))
        stem = next(stem for stem in stems if stem not in taken)
        taken[stem] = f"{stem}{path.suffix}"
    return list(taken.values())
