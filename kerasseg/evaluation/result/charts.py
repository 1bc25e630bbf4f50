"""Charts of an evaluation."""

from collections.abc import Mapping, Sequence
from typing import Any

from kerasseg.evaluation.report.charts import new_figure, svg_of


def border_chart(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Returns mean IoU and accuracy near borders and inside, over the width, as an SVG picture.

    Args:
        rows: As `boundary_and_interior` returns them.

    Example:
        >>> part = {"mean_iou": 0.5, "accuracy": 0.75, "pixels": 8}
        >>> border_chart([{"within": 1, "boundary": part, "interior": part}])[:5]
        b'<?xml'
    """
    figure = new_figure(8.6, 3.2)
    for place, (key, title) in enumerate((("mean_iou", "mean IoU"), ("accuracy", "accuracy"))):
        axes = figure.add_subplot(1, 2, place + 1)
        for part, label in (("interior", "the rest"), ("boundary", "near a border")):
            points = [(row["within"], row[part][key]) for row in rows if row[part]["pixels"]]
            if points:
                axes.plot(*zip(*points, strict=True), marker="o", markersize=4, label=label)
        axes.set(title=title, xlabel="at most so many pixels from a border", ylim=(0, 1.03))
        axes.set_xscale("log", base=2)
        axes.set_xticks([row["within"] for row in rows], [str(row["within"]) for row in rows])
        axes.grid(alpha=0.3)
    # One is enough, where it covers nothing.
    if axes.lines:
        axes.legend(loc="lower right")
    return svg_of(figure)


def calibration_chart(bins: Sequence[Mapping[str, Any]]) -> bytes:
    """Returns the share of right pixels over their confidence as an SVG picture.

    Args:
        bins: As `calibration` returns them.

    Example:
        >>> calibration_chart([{"above": 0.5, "to": 1.0, "accuracy": 0.7, "pixels": 8}])[:5]
        b'<?xml'
    """
    figure = new_figure(4.3, 3.6)
    axes = figure.add_subplot()
    shown = [each for each in bins if each["pixels"]]
    axes.bar(
        [each["above"] for each in shown],
        [each["accuracy"] for each in shown],
        width=[each["to"] - each["above"] for each in shown],
        align="edge",
        edgecolor="white",
        label="share that is right",
    )
    axes.plot([0, 1], [0, 1], color="0.4", linestyle="--", label="as often as it says")
    axes.set(xlabel="confidence", ylabel="right", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left")
    return svg_of(figure)
