"""The table of classes on an HTML page."""

from collections.abc import Iterable, Sequence
from html import escape

from kerasseg import html
from kerasseg.evaluation.result.wording import score_words
from kerasseg.label_set import LabelSet


def class_table(
    labels: LabelSet, scores: Iterable[tuple[float | None, Sequence[str]]], others: Sequence[str]
) -> str:
    """Returns the table: each class with its colour, its IoU as number and bar, and other columns.

    Args:
        labels: The classes and their colours.
        scores: The IoU of each class, None for one that does not occur, and what the other columns
            say, plain text.
        others: What these are called.

    Example:
        >>> table = class_table(LabelSet(("soil",)), [(0.5, ["75.0 %"])], ["recall"])
        >>> "<th>recall</th>" in table, "<td>75.0 %</td>" in table
        (True, True)
    """
    rows = []
    for name, colour, (iou, cells) in zip(labels.class_names, labels.colours, scores, strict=True):
        first = [html.chip(colour) + escape(name), score_words(iou)]
        bar = "" if iou is None else html.bar(iou)
        rows.append([*first, bar, *map(escape, cells)])
    return html.table(["class", "IoU", "", *others], rows)
