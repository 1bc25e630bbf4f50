"""What a run leaves to look at: the table of its classes, its scores, its pictures, its page."""

import csv
import io
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
from kerasseg.data.streams import Split, decoded, examples_at, some_examples
from kerasseg.evaluation.comparison.image_counts import VALIDATION, image_counts, write_image_counts
from kerasseg.evaluation.inference.engine import Evaluation, evaluate_images, predict
from kerasseg.evaluation.metrics import class_iou, iou_table, mean_iou
from kerasseg.evaluation.report.html_report import ShownImage, html_report
from kerasseg.evaluation.report.run_facts import facts_of, title_of
from kerasseg.evaluation.result.worst import worst_places
from kerasseg.files import atomic_file
from kerasseg.label_set import LabelSet
from kerasseg.run import Run

_SHOWN = 4  # of the best and of the worst images


def write_report(
    run: Run,
    model: keras.Model,
    split: Split,
    labels: LabelSet,
    *,
    num_pictures: int,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Evaluates a model on whole images, prints the table and writes scores, pictures and page.

    Args:
        run: Where `metrics.json`, `evaluation/validation.npz`, `pictures/`, `samples/` and
            `report.html` go.
        model: The model to evaluate.
        split: The images and labels to evaluate on.
        labels: Their classes and the void label.
        num_pictures: How many images are shown, spread evenly over the split.
        facts: Further entries of `metrics.json`.

    Returns:
        What `metrics.json` holds.
    """
    batches = data.evaluation_batches(split, labels, batch_size=4, numbered=True)
    evaluation = evaluate_images(model, batches, labels, progress=sys.stderr.isatty())
    counts = image_counts(evaluation, split, labels, protocol="whole", weights="last")
    write_image_counts(run, VALIDATION, counts)
    metrics = {
        "mean_iou": mean_iou(evaluation.confusion),
        "class_iou": _by_class(labels, evaluation.confusion),
        "confusion": evaluation.confusion.tolist(),
        "images": len(split),
        **facts,
    }
    with atomic_file(run.file("metrics.json")) as temporary:
        temporary.write_text(json.dumps(metrics, indent=2) + "\n")
    _write_pictures(run, model, some_examples(split, num_pictures), labels)
    page = _page(run, model, split, labels, evaluation, facts)
    with atomic_file(run.file("report.html")) as temporary:
        temporary.write_text(page, encoding="utf-8")
    print(iou_table(labels.class_names, evaluation.confusion))
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


def _page(
    run: Run,
    model: keras.Model,
    split: Split,
    labels: LabelSet,
    evaluation: Evaluation,
    facts: Mapping[str, Any],
) -> str:
    order = worst_places(evaluation.image_iou, None)
    shown = min(_SHOWN, len(order) // 2)
    best, worst = (
        _shown(model, split, labels, evaluation, rows)
        for rows in (order[::-1][:shown], order[: max(shown, 1)])
    )
    recipe = run.file("recipe.toml")
    return html_report(
        title=title_of(run),
        labels=labels,
        confusion=evaluation.confusion,
        history=_history(run),
        best=best,
        worst=worst,
        facts=facts_of(run, len(split), facts),
        recipe=recipe.read_text(encoding="utf-8") if recipe.is_file() else "",
    )


def _shown(
    model: keras.Model, split: Split, labels: LabelSet, evaluation: Evaluation, rows: np.ndarray
) -> list[ShownImage]:
    from kerasseg.visualization import side_by_side

    images = []
    places = evaluation.numbers[rows].tolist()
    for row, example in zip(rows, examples_at(split, places), strict=True):
        image, truth = decoded(example)
        stream = io.BytesIO()
        side_by_side(image, truth, predict(model, image), labels).save(stream, "JPEG", quality=85)
        images.append(ShownImage(example.name, evaluation.image_iou[row], stream.getvalue()))
    return images


def _history(run: Run) -> list[dict[str, float]]:
    """Returns the rows of `history.csv`; a field is empty where a log was not measured."""
    if not run.file("history.csv").is_file():
        return []
    with run.file("history.csv").open(newline="") as stream:
        rows = csv.DictReader(stream)
        return [{key: float(value) for key, value in row.items() if value} for row in rows]


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
