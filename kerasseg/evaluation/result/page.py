"""An evaluation as one HTML page that needs no other file."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from kerasseg import html
from kerasseg.evaluation.report.charts import confusion_chart
from kerasseg.evaluation.result.charts import border_chart, calibration_chart
from kerasseg.evaluation.result.class_table import class_table
from kerasseg.evaluation.result.wording import (
    border_rows,
    class_rows,
    ends_of_classes,
    most_confused,
    percent,
    score_lines,
    score_words,
    size_words,
)
from kerasseg.evaluation.result.worst import RIGHT, VOID, WRONG, WorstImage
from kerasseg.label_set import LabelSet

_MANY_CLASSES = 12
_OF_BORDERS = (
    "A pixel is near a border if a pixel of another true class is at most so many rows and columns "
    "away. The IoU of each part is over its own pixels alone, and the mean over its own classes; "
    "what is thin lies near borders as a whole, which may lower the IoU of the rest."
)
_OF_SIZES = (
    "Connected regions of one class in the truth (over the four neighbours of a pixel; void parts "
    "them), by their pixels; the limits are squares whose sides double. The recall is the share of "
    "all pixels of these regions that got the right class."
)


def page_of(
    title: str,
    result: Mapping[str, Any],
    labels: LabelSet,
    worst: Sequence[WorstImage],
    facts: Mapping[str, str],
) -> str:
    """Returns the page.

    Args:
        title: Its heading, plain text.
        result: As `result_of` returns it.
        labels: The classes and their colours.
        worst: Images to show, the lowest score first.
        facts: What else is told, name to value, plain text.
    """
    scores = [
        [
            f'{escape(name)} <span class="note">{escape(meaning)}</span>',
            f"<b>{score_words(value)}</b>",
            html.bar(value),
        ]
        for name, value, meaning in score_lines(result)
    ]
    body = [
        html.table(["score", "", ""], scores),
        *_classes(result, labels),
        *_confusion(result),
        *_borders(result),
        *_sizes(result),
        *_calibration(result),
        *_worst(worst, labels),
        "<h2>The evaluation</h2>",
        html.table([], ([escape(name), escape(value)] for name, value in facts.items())),
    ]
    return html.document(title, body)


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _classes(result: Mapping[str, Any], labels: LabelSet) -> Iterable[str]:
    yield "<h2>Classes</h2>"
    if len(result["class_names"]) > _MANY_CLASSES:
        lowest, highest = ends_of_classes(result)
        yield _note(f"Lowest IoU: {', '.join(lowest)}. Highest: {', '.join(highest)}.")
    header = ["Dice", "recall", "precision", "Boundary IoU", "of all pixels"]
    rows = (
        (iou, [*map(score_words, others), part]) for _, (iou, *others), part in class_rows(result)
    )
    yield class_table(labels, rows, header)


def _confusion(result: Mapping[str, Any]) -> Iterable[str]:
    yield "<h2>Confusion matrix</h2>"
    chart = confusion_chart(np.array(result["confusion"]), result["class_names"])
    yield html.picture(chart, "png", "Percent of the pixels of the true class.")
    if pairs := most_confused(result):
        yield _note("The pairs of classes with most wrong pixels:")
        header = ["true class", "predicted as", "of the true class", "of all that is wrong"]
        yield html.table(header, ([escape(cell) for cell in row] for row in pairs))


def _borders(result: Mapping[str, Any]) -> Iterable[str]:
    yield "<h2>Near borders and in the rest</h2>"
    chart = border_chart(result["boundary_and_interior"])
    yield html.picture(chart, "svg+xml", _OF_BORDERS, "scores over the distance from a border")
    header = ["pixels to a border", "of all", "IoU near", "IoU rest", "accuracy near", "rest"]
    yield html.table(header, border_rows(result))


def _sizes(result: Mapping[str, Any]) -> Iterable[str]:
    yield "<h2>By the size of regions</h2>"
    yield _note(_OF_SIZES)
    pixels = sum(row["pixels"] for row in result["region_sizes"])
    rows = []
    for row in result["region_sizes"]:
        recall = row["recall"]
        scores = [score_words(recall), "" if recall is None else html.bar(recall)]
        counts = [f"{row['regions']:,}", percent(row["pixels"], pixels)]
        rows.append([size_words(row), *scores, *counts])
    yield html.table(["pixels of a region", "recall", "", "regions", "of all pixels"], rows)


def _calibration(result: Mapping[str, Any]) -> Iterable[str]:
    if "calibration" not in result:
        return
    yield "<h2>Calibration</h2>"
    caption = "How often pixels are right, by the probability that the model gives their class."
    yield html.picture(calibration_chart(result["calibration"]), "svg+xml", caption)


def _worst(images: Sequence[WorstImage], labels: LabelSet) -> Iterable[str]:
    if not images:
        return
    yield "<h2>The worst images</h2>"
    yield _note("By the mean IoU over the classes in truth or prediction. In the map of errors:")
    yield html.key([(RIGHT, "right"), (WRONG, "wrong"), (VOID, "void, not counted")])
    for image in images:
        yield f"<h3>{escape(image.name)}: mean IoU {image.iou:.3f}</h3>"
        yield html.key(
            (labels.colours[place], f"{labels.class_names[place]} {iou:.2f}")
            for place, iou in image.classes
        )
        shown_ones = (
            html.picture(encoded, kind, name, f"{name} of {image.name}")
            for name, kind, encoded in image.pictures
        )
        yield f'<div class="pair">{"".join(shown_ones)}</div>'
