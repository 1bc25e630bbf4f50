"""Scores that are functions of one confusion matrix."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np

from kerasseg.errors import unknown_name

Absent: TypeAlias = Literal["skip", "one", "zero"]
# Pixels of each class that are of it and predicted so, of it, and predicted so: arrays or tensors.
Parts: TypeAlias = Callable[[Any, Any, Any], tuple[Any, Any]]
_ABSENT = {"skip": float("nan"), "one": 1.0, "zero": 0.0}


def absent_score(absent: Absent) -> float:
    """Returns the score of a class that does not occur, NaN for one that is skipped.

    Raises:
        KerassegError: If there is no such treatment.
    """
    if absent not in _ABSENT:
        raise unknown_name("treatment of absent classes", absent, _ABSENT)
    return _ABSENT[absent]


def iou_parts(overlap: Any, truth: Any, predicted: Any) -> tuple[Any, Any]:
    """Returns TP and TP + FP + FN."""
    return overlap, truth + predicted - overlap


def dice_parts(overlap: Any, truth: Any, predicted: Any) -> tuple[Any, Any]:
    """Returns 2 TP and 2 TP + FP + FN."""
    return 2 * overlap, truth + predicted


def accuracy_parts(overlap: Any, truth: Any, predicted: Any) -> tuple[Any, Any]:
    """Returns TP and TP + FN."""
    return overlap, truth


def ratios(numerator: np.ndarray, denominator: np.ndarray, absent: Absent = "skip") -> np.ndarray:
    """Returns the quotients, float64, and what `absent` says where the denominator is 0.

    Example:
        >>> ratios(np.array([1, 0]), np.array([4, 0])).tolist()
        [0.25, nan]
    """
    scores = np.full(np.shape(denominator), absent_score(absent))
    return np.divide(numerator, denominator, out=scores, where=np.asarray(denominator) > 0)


def mean_of_classes(scores: np.ndarray) -> np.ndarray:
    """Returns the mean over the last axis, NaN left out; 0 where all is NaN.

    Example:
        >>> float(mean_of_classes(np.array([0.5, np.nan, 1.0])))
        0.75
    """
    known = ~np.isnan(scores)
    return np.where(known, scores, 0).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)


def _of_classes(parts: Parts, confusion: np.ndarray, absent: Absent) -> np.ndarray:
    overlap = np.diag(confusion).astype(np.float64)
    return ratios(*parts(overlap, confusion.sum(axis=1), confusion.sum(axis=0)), absent)


def class_iou(confusion: np.ndarray, absent: Absent = "skip") -> np.ndarray:
    """Returns the intersection over union of every class, `TP / (TP + FP + FN)`.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.
        absent: What a class has that occurs in neither truth nor prediction: NaN (`"skip"`),
            1 (`"one"`) or 0 (`"zero"`).

    Returns:
        float64 `(C,)`, 0..1 or NaN.

    Example:
        >>> class_iou(np.array([[3, 1], [0, 4]])).round(2)
        array([0.75, 0.8 ])
    """
    return _of_classes(iou_parts, confusion, absent)


def mean_iou(confusion: np.ndarray, absent: Absent = "skip") -> float:
    """Returns the mean IoU over the classes.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.
        absent: How a class counts that occurs in neither truth nor prediction: not at all
            (`"skip"`, as most published means), as 1 (`"one"`) or as 0 (`"zero"`). A class that
            is predicted and in no truth occurs: its IoU is 0.

    Returns:
        0..1; 0 where every class is skipped.

    Example:
        >>> confusion = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
        >>> mean_iou(confusion), round(mean_iou(confusion, absent="one"), 3)
        (0.775, 0.85)
    """
    return float(mean_of_classes(class_iou(confusion, absent)))


def class_dice(confusion: np.ndarray, absent: Absent = "skip") -> np.ndarray:
    """Returns the Dice coefficient of every class, `2 TP / (2 TP + FP + FN)`, its F1 of pixels.

    Dice, "Measures of the amount of ecologic association between species", Ecology 26 (1945).
    With the IoU it goes together as `Dice = 2 IoU / (1 + IoU)`.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.
        absent: As for `class_iou`.

    Returns:
        float64 `(C,)`, 0..1 or NaN.

    Example:
        >>> class_dice(np.array([[3, 1], [0, 4]])).round(3)
        array([0.857, 0.889])
    """
    return _of_classes(dice_parts, confusion, absent)


def mean_dice(confusion: np.ndarray, absent: Absent = "skip") -> float:
    """Returns the mean Dice coefficient over the classes.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.
        absent: As for `mean_iou`.

    Returns:
        0..1; 0 where every class is skipped.

    Example:
        >>> round(mean_dice(np.array([[3, 1], [0, 4]])), 3)
        0.873
    """
    return float(mean_of_classes(class_dice(confusion, absent)))


def class_accuracy(confusion: np.ndarray, absent: Absent = "skip") -> np.ndarray:
    """Returns the share of every class's pixels that are predicted so, `TP / (TP + FN)`.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.
        absent: What a class has that the truth does not hold, predicted or not: NaN (`"skip"`),
            1 (`"one"`) or 0 (`"zero"`).

    Returns:
        float64 `(C,)`, 0..1 or NaN.

    Example:
        >>> class_accuracy(np.array([[3, 1], [0, 4]])).tolist()
        [0.75, 1.0]
    """
    return _of_classes(accuracy_parts, confusion, absent)


def mean_accuracy(confusion: np.ndarray, absent: Absent = "skip") -> float:
    """Returns the mean over the classes of the share of their pixels that are predicted so.

    "Mean accuracy" of Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic
    Segmentation", CVPR 2015, section 5; elsewhere balanced accuracy.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.
        absent: As for `class_accuracy`.

    Returns:
        0..1; 0 where every class is skipped.

    Example:
        >>> mean_accuracy(np.array([[3, 1], [0, 4]]))
        0.875
    """
    return float(mean_of_classes(class_accuracy(confusion, absent)))


def pixel_accuracy(confusion: np.ndarray) -> float:
    """Returns the share of all pixels whose class is right.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.

    Returns:
        0..1; 0 where nothing was counted.

    Example:
        >>> pixel_accuracy(np.array([[3, 1], [0, 4]]))
        0.875
    """
    return float(np.trace(confusion) / max(confusion.sum(), 1))


def frequency_weighted_iou(confusion: np.ndarray) -> float:
    """Returns the mean of the classes' IoU, each weighed by its share of the true pixels.

    `sum_c t_c IoU_c / sum_c t_c` with t_c the pixels of class c: Long, Shelhamer, Darrell, CVPR
    2015, section 5. A class that the truth does not hold has no weight.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.

    Returns:
        0..1; 0 where nothing was counted.

    Example:
        >>> round(frequency_weighted_iou(np.array([[3, 1], [0, 2]])), 3)
        0.722
    """
    truth = confusion.sum(axis=1)
    return float(truth @ class_iou(confusion, absent="zero") / max(truth.sum(), 1))


def row_shares(confusion: np.ndarray) -> np.ndarray:
    """Returns each row of a confusion matrix as shares of the true class, float64 `(C, C)`.

    Args:
        confusion: `(C, C)`, pixels of true class i predicted as class j at `[i, j]`.

    Returns:
        0..1; a row of zeros for a class that does not occur in the truth.

    Example:
        >>> row_shares(np.array([[3, 1], [0, 0]])).tolist()
        [[0.75, 0.25], [0.0, 0.0]]
    """
    return confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
