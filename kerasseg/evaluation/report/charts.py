"""Charts of a run: its curves over the epochs, and the confusion matrix of its classes."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerasseg.evaluation.metrics import row_shares

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_NAMES = 40
_ELSEWHERE = re.compile(rb"<!DOCTYPE[^>]*>\s*|<metadata>.*?</metadata>\s*", re.DOTALL)


def curves(history: Sequence[Mapping[str, float]]) -> bytes:
    """Returns loss, mean IoU and learning rate over the epochs as one SVG picture.

    Args:
        history: A row an epoch with `epoch` and any logs of `fit`; a log that is not in a row was
            not measured in that epoch.

    Example:
        >>> curves([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}])[:5]
        b'<?xml'
    """
    from matplotlib.ticker import MaxNLocator

    known = list(dict.fromkeys(key for row in history for key in row))
    groups = {
        "loss": ("loss", "val_loss"),
        "mean IoU": ("mean_iou", "val_mean_iou"),
        # One alone, or that of each part of the network.
        "learning rate": tuple(key for key in known if key.startswith("learning_rate")),
    }
    shown = {title: keys for title, keys in groups.items() if {*known} & {*keys}}
    figure = new_figure(4.2 * max(len(shown), 1), 3.2)
    for place, (title, keys) in enumerate(shown.items()):
        axes = figure.add_subplot(1, len(shown), place + 1)
        for key in keys:
            points = [(row["epoch"], row[key]) for row in history if key in row]
            if points:
                axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=_named(key))
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
        if len(keys) > 1:
            axes.legend()
    return svg_of(figure)


def _named(key: str) -> str:
    if key.startswith("learning_rate"):
        return key.removeprefix("learning_rate").removeprefix("_") or "with multiplier 1"
    return "validation" if key.startswith("val_") else "training"


def confusion_chart(confusion: np.ndarray, class_names: Sequence[str]) -> bytes:
    """Returns the confusion matrix as a PNG picture, each row as shares of the true class.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.
        class_names: C names, written where they are few enough to be read.

    Example:
        >>> confusion_chart(np.array([[3, 1], [0, 4]]), ("road", "car"))[1:4]
        b'PNG'
    """
    shares, count = row_shares(confusion), len(class_names)
    side = 2.2 + min(0.42 * count, 9.0)
    figure = new_figure(side + 1.2, side)
    axes = figure.add_subplot()
    image = axes.imshow(shares, vmin=0, vmax=1, cmap="Blues")
    axes.set(xlabel="predicted", ylabel="true")
    if count <= _MOST_NAMES:
        axes.set_xticks(range(count), class_names, rotation=90)
        axes.set_yticks(range(count), class_names)
    if count <= _MOST_NAMES // 2:
        for (row, column), share in np.ndenumerate(shares):
            if share >= 0.005:
                colour = "white" if share > 0.5 else "black"
                text = f"{100 * share:.0f}"
                axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)
    figure.colorbar(image, label="share of the true class")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def new_figure(width: float, height: float) -> "Figure":
    """Returns an empty figure of that many inches."""
    # Without pyplot, which would keep every figure and ask for a screen.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def svg_of(figure: "Figure") -> bytes:
    """Returns a figure as SVG, without what names addresses elsewhere: pages stand alone."""
    stream = io.BytesIO()
    figure.savefig(stream, format="svg")
    return _ELSEWHERE.sub(b"", stream.getvalue())
