"""The scores of an evaluation as one JSON object, which the pages are made of too."""

from typing import Any

import numpy as np

from kerasseg.evaluation import metrics
from kerasseg.evaluation.metrics.class_scores import (
    Absent,
    absent_score,
    mean_of_classes,
    ratios,
)
from kerasseg.evaluation.result.details import BINS, STEPS, TOLERANCES, WIDTHS, Details
from kerasseg.evaluation.result.regions import AREAS
from kerasseg.label_set import LabelSet


def scores_of(
    confusion: np.ndarray, details: Details, labels: LabelSet, absent: Absent = "skip"
) -> dict[str, Any]:
    """Returns every score, of all and of each class.

    A class that occurs in neither truth nor prediction has null, for the accuracy one that the
    truth does not hold; what it is in the means `absent` says.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.
        details: Of the same images.
        labels: The classes.
        absent: How a class without a score counts in the means: not at all (`"skip"`), as 1
            (`"one"`) or as 0 (`"zero"`).

    Raises:
        KerassegError: If there is no such treatment of them.

    Example:
        >>> from kerasseg.evaluation.result.details import details_of_image
        >>> labels, maps = LabelSet(("soil", "leaf")), np.array([[0, 0, 1, 1]])
        >>> scores_of(np.diag([2, 2]), details_of_image(maps, maps, labels), labels)["mean_iou"]
        1.0
    """
    boundary_iou, boundary_f1 = _boundary_iou(details), _boundary_f1(details)
    of_classes = {
        "iou": metrics.class_iou(confusion),
        "dice": metrics.class_dice(confusion),
        "accuracy": metrics.class_accuracy(confusion),
        "precision": ratios(np.diag(confusion), confusion.sum(axis=0)),
        "boundary_iou": boundary_iou,
    }
    occurs = ~np.isnan(of_classes["iou"])
    return {
        "absent": absent,
        "mean_iou": metrics.mean_iou(confusion, absent),
        "classes_in_mean": int(occurs.sum()) if absent == "skip" else labels.num_classes,
        "absent_classes": [
            name for name, is_there in zip(labels.class_names, occurs, strict=True) if not is_there
        ],
        "pixel_accuracy": metrics.pixel_accuracy(confusion),
        "mean_accuracy": metrics.mean_accuracy(confusion, absent),
        "frequency_weighted_iou": metrics.frequency_weighted_iou(confusion),
        "mean_dice": metrics.mean_dice(confusion, absent),
        "boundary_iou": _mean(boundary_iou, absent),
        "boundary_f1": {
            str(tolerance): _mean(scores, absent)
            for tolerance, scores in zip(TOLERANCES, boundary_f1, strict=True)
        },
        **calibration(details.confidences),
        **{f"class_{name}": _named(labels, values) for name, values in of_classes.items()},
        "boundary_and_interior": boundary_and_interior(details.distances),
        "region_sizes": region_sizes(details.regions),
    }


def _mean(scores: np.ndarray, absent: Absent) -> float:
    return float(mean_of_classes(np.where(np.isnan(scores), absent_score(absent), scores)))


def number(value: float) -> float | None:
    """Returns what JSON knows: it has no NaN.

    Example:
        >>> number(float("nan")), number(0.5)
        (None, 0.5)
    """
    return None if np.isnan(value) else float(value)


def _named(labels: LabelSet, values: np.ndarray) -> dict[str, float | None]:
    return dict(zip(labels.class_names, map(number, values), strict=True))


def _boundary_iou(details: Details) -> np.ndarray:
    both, truth, predicted = details.boundaries
    return ratios(both, truth + predicted - both)


def _boundary_f1(details: Details) -> np.ndarray:
    """Returns the F1 of each tolerance and class, `(T, C)`."""
    matched, predicted, found, truth = np.moveaxis(details.contours, 1, 0)
    precision, recall = ratios(matched, predicted, "zero"), ratios(found, truth, "zero")
    scores = ratios(2 * precision * recall, precision + recall, "zero")
    return np.where(predicted + truth > 0, scores, np.nan)


def boundary_and_interior(distances: np.ndarray) -> list[dict[str, Any]]:
    """Returns the scores of the pixels near true borders and of the rest, for each width.

    A pixel is within k of a border if a pixel of another true class is at most k rows and k
    columns away: the trimap of Kohli, Ladický, Torr, "Robust Higher Order Potentials for Enforcing
    Label Consistency", IJCV 2009, and of Krähenbühl, Koltun, "Efficient Inference in Fully
    Connected CRFs with Gaussian Edge Potentials", NIPS 2011.

    Args:
        distances: As in `Details`.

    Example:
        >>> found = boundary_and_interior(np.array([[[1, 1], [0, 2]]] + [[[4, 0], [0, 0]]] * 5))
        >>> found[0]["within"], found[0]["boundary"]["accuracy"], found[0]["interior"]["accuracy"]
        (1, 0.75, 1.0)
    """
    near, total = distances.cumsum(axis=0)[:-1], distances.sum(axis=0)
    return [
        {"within": width, "boundary": _part(part), "interior": _part(total - part)}
        for width, part in zip(WIDTHS, near, strict=True)
    ]


def _part(confusion: np.ndarray) -> dict[str, Any]:
    pixels = int(confusion.sum())
    known = bool(pixels)
    return {
        "pixels": pixels,
        "mean_iou": metrics.mean_iou(confusion) if known else None,
        "accuracy": metrics.pixel_accuracy(confusion) if known else None,
    }


def region_sizes(regions: np.ndarray) -> list[dict[str, Any]]:
    """Returns for each range of areas how many regions there are and the recall of their pixels.

    Args:
        regions: As in `Details`.

    Example:
        >>> region_sizes(np.array([[2] * 7, [20] * 7, [15] * 7]))[0]
        {'from': 1, 'below': 16, 'regions': 2, 'pixels': 20, 'recall': 0.75}
    """
    recalls = ratios(regions[2], regions[1])
    return [
        {
            "from": first,
            "below": below,
            "regions": int(count),
            "pixels": int(pixels),
            "recall": number(recall),
        }
        for first, below, count, pixels, recall in zip(
            AREAS, (*AREAS[1:], None), regions[0], regions[1], recalls, strict=True
        )
    ]


def calibration(confidences: np.ndarray) -> dict[str, Any]:
    """Returns the expected calibration error and its bins; nothing where nothing was counted.

    Args:
        confidences: As in `Details`.

    Example:
        >>> bins = np.zeros((3, 15), int)
        >>> bins[:, -1] = 4, 3, 4 * 2**20
        >>> calibration(bins)["expected_calibration_error"]
        0.25
    """
    pixels, right, steps = confidences
    if not pixels.any():
        return {}
    sums = steps / STEPS
    ends = np.arange(BINS + 1) / BINS
    rows = zip(
        ends[:-1], ends[1:], pixels, ratios(right, pixels), ratios(sums, pixels), strict=True
    )
    return {
        "expected_calibration_error": float(np.abs(right - sums).sum() / pixels.sum()),
        "calibration": [
            {
                "above": float(low),
                "to": float(high),
                "pixels": int(count),
                "accuracy": number(share),
                "confidence": number(confidence),
            }
            for low, high, count, share, confidence in rows
        ],
    }
