"""What a run has learned and how, on one HTML page that holds its pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from kerasseg import html
from kerasseg.evaluation.metrics import class_iou, mean_iou
from kerasseg.evaluation.report.charts import confusion_chart, curves
from kerasseg.evaluation.result.class_table import class_table
from kerasseg.evaluation.result.scores import number
from kerasseg.evaluation.result.wording import percent
from kerasseg.label_set import LabelSet

_CURVES = "Loss, mean IoU and learning rate over the epochs."


@dataclass(frozen=True)
class ShownImage:
    """An image of the split beside its truth and prediction.

    Attributes:
        name: Its file.
        iou: Mean IoU over the classes in its truth or prediction.
        jpeg: The picture.
    """

    name: str
    iou: float
    jpeg: bytes


def html_report(
    title: str,
    labels: LabelSet,
    confusion: np.ndarray,
    history: Sequence[Mapping[str, float]],
    best: Sequence[ShownImage],
    worst: Sequence[ShownImage],
    facts: Mapping[str, str],
    recipe: str,
) -> str:
    """Returns the page, which needs no other file.

    Args:
        title: Its heading.
        labels: The classes and their colours.
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.
        history: A row an epoch, as in `history.csv`.
        best: The images with the highest mean IoU, the highest first.
        worst: Those with the lowest, the lowest first.
        facts: What else is told of the run, name to value, plain text.
        recipe: The recipe as it ran.

    Example:
        >>> page = html_report("leaves", LabelSet(("soil", "leaf")), np.eye(2, dtype=int), [],
        ...                    [], [], {"images": "2"}, "[model]")
        >>> "mean IoU 1.000" in page
        True
    """
    body = [f"<p>{line}</p>" for line in _scores(confusion, history)]
    if history:
        body += ["<h2>Curves</h2>", html.picture(curves(history), "svg+xml", _CURVES)]
    body += ["<h2>Classes</h2>", _class_table(labels, confusion)]
    chart = confusion_chart(confusion, labels.class_names)
    body.append("<h2>Confusion matrix</h2>")
    body.append(html.picture(chart, "png", "Percent of the pixels of the true class."))
    for heading, images in (("The worst images", worst), ("The best images", best)):
        if images:
            body.append(f"<h2>{heading}</h2>")
            body += [html.picture(each.jpeg, "jpeg", _caption(each)) for each in images]
    body += ["<h2>The run</h2>", html.table([], _lines(facts))]
    body += ["<h2>Recipe</h2>", f"<pre>{escape(recipe)}</pre>"]
    return html.document(title, body)


def _scores(confusion: np.ndarray, history: Sequence[Mapping[str, float]]) -> list[str]:
    """Returns the score of the weights that the page shows, and that of the best epoch."""
    lines = [f"mean IoU {mean_iou(confusion):.3f} on the validation split"]
    validated = [row for row in history if "val_mean_iou" in row]
    if validated:
        best = max(validated, key=lambda row: row["val_mean_iou"])
        lines[0] += ", of the last weights (model.keras), which the rest of this page shows"
        lines.append(
            f"The best of the epochs that were validated was {best['epoch']:.0f}, with mean IoU "
            f"{best['val_mean_iou']:.3f} (best.keras)."
        )
    return lines


def _caption(image: ShownImage) -> str:
    return f"{image.name}: mean IoU {image.iou:.3f} (image, truth, prediction)"


def _lines(facts: Mapping[str, str]) -> list[list[str]]:
    return [[escape(name), escape(value)] for name, value in facts.items()]


def _class_table(labels: LabelSet, confusion: np.ndarray) -> str:
    truth, predicted, overlap = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)
    parts = ((overlap, truth), (overlap, predicted), (truth, np.full_like(truth, truth.sum())))
    columns = [[percent(*each) for each in zip(*part, strict=True)] for part in parts]
    ious = map(number, class_iou(confusion))
    rows = zip(ious, zip(*columns, strict=True), strict=True)
    return class_table(labels, rows, ["recall", "precision", "share of pixels"])
