"""The difference of two runs that were evaluated on the same images."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from kerasseg.errors import KerassegError
from kerasseg.evaluation.comparison.bootstrap import PairedInterval, paired_bootstrap
from kerasseg.evaluation.comparison.image_counts import ImageCounts
from kerasseg.evaluation.metrics.class_scores import Absent, mean_of_classes, ratios

_NAMED = 3


@dataclass(frozen=True)
class Comparison:
    """Scores of two runs, A and B, over the same images.

    Attributes:
        class_names: C names.
        images: How many there are.
        iou: Of each class and, at the last place, their mean: arrays `(C + 1,)`.

    Example:
        >>> scores = (np.array([0.5, 0.7, 0.6]), np.array([0.6, 0.7, 0.65]))
        >>> ends = np.array([0.0, -0.1, -0.05]), np.array([0.2, 0.1, 0.15])
        >>> iou = PairedInterval(*scores, scores[1] - scores[0], *ends, confidence=0.95)
        >>> Comparison(("soil", "leaf"), 12, iou).iou.excludes_zero.tolist()
        [False, False, False]
    """

    class_names: tuple[str, ...]
    images: int
    iou: PairedInterval


def compare(
    first: ImageCounts,
    second: ImageCounts,
    *,
    samples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
    absent: Absent = "skip",
) -> Comparison:
    """Returns the difference of the IoU of two runs, of each class and in the mean.

    Args:
        first: What run A left.
        second: What run B left.
        samples: As for `paired_bootstrap`.
        confidence: As for `paired_bootstrap`.
        seed: As for `paired_bootstrap`.
        absent: How a class counts that occurs in neither truth nor prediction of a run, or of a
            resample: not at all (`"skip"`), as 1 (`"one"`) or as 0 (`"zero"`).

    Raises:
        KerassegError: If the runs were evaluated on other images or have other classes, or an
            argument is out of its range.

    Example:
        >>> union = np.full((4, 2), 12)
        >>> overlap = np.array([[8, 4], [6, 8], [9, 5], [7, 5]])
        >>> a, b = (
        ...     ImageCounts(np.arange(4), (), overlap + n, union - n, ("soil", "leaf"), "12ab")
        ...     for n in (0, 1)
        ... )
        >>> compare(a, b).iou.difference.round(3)
        array([0.148, 0.133, 0.14 ])
    """
    check_comparable(first, second)
    iou = paired_bootstrap(
        (first.overlap, first.union),
        (second.overlap, second.union),
        partial(_iou_and_mean, absent=absent),
        samples=samples,
        confidence=confidence,
        seed=seed,
    )
    return Comparison(first.class_names, len(first.numbers), iou)


def _iou_and_mean(overlap: np.ndarray, union: np.ndarray, absent: Absent) -> np.ndarray:
    ious = ratios(overlap, union, absent)
    return np.concatenate([ious, mean_of_classes(ious)[..., np.newaxis]], axis=-1)


def check_comparable(first: ImageCounts, second: ImageCounts) -> None:
    """Raises a `KerassegError` that says in which classes or images two runs differ."""
    _check_equal("classes", first.class_names, second.class_names)
    if first.names and second.names:
        _check_equal("images", first.names, second.names)
    if first.fingerprint != second.fingerprint:
        raise KerassegError(
            "the runs were evaluated on different data: its fingerprint is "
            f"{first.fingerprint[:12]} in A and {second.fingerprint[:12]} in B, so that images or "
            "label maps differ in what the files hold. Evaluate both on the same files."
        )
    if not np.array_equal(first.numbers, second.numbers):
        raise KerassegError(
            f"the runs were evaluated on different images: {len(first.numbers)} in A and "
            f"{len(second.numbers)} in B. Evaluate both on the same split."
        )
    differ = np.flatnonzero(first.valid_pixels != second.valid_pixels)
    if len(differ):
        place = differ[0]
        raise KerassegError(
            f"image {first.names[place] if first.names else first.numbers[place]} has "
            f"{first.valid_pixels[place]} pixels that are not void in A and "
            f"{second.valid_pixels[place]} in B, as have {len(differ)} images in all: evaluate "
            "both at the same size and with the same void label."
        )


def check_alike(first: ImageCounts, second: ImageCounts) -> None:
    """Raises a `KerassegError` if two runs are known to be evaluated in different ways."""
    if first.protocol and second.protocol and first.way != second.way:
        raise KerassegError(
            f"the evaluations differ: {first.way} in A and {second.way} in B. Evaluate both alike; "
            "or name that of B by --name-b too, if the difference is meant."
        )


def _check_equal(what: str, first: tuple[str, ...], second: tuple[str, ...]) -> None:
    if first == second:
        return
    in_a, in_b = set(first), set(second)
    only_a = [name for name in first if name not in in_b]
    only_b = [name for name in second if name not in in_a]
    only = (("A", only_a), ("B", only_b))
    said = [f"only {run} has {_some(names)}" for run, names in only if names]
    if not said:
        said = [f"{len(first)} in A and {len(second)} in B, not in the same order"]
    raise KerassegError(
        f"the runs have different {what}: {'; '.join(said)}. Compare runs that have the same."
    )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def comparison_table(comparison: Comparison) -> str:
    """Returns one line a class and one for the mean: A, B, difference and its interval.

    A star marks an interval that excludes 0.

    Example:
        >>> union = np.full((4, 2), 12)
        >>> overlap = np.array([[8, 4], [6, 8], [9, 5], [7, 5]])
        >>> a, b = (
        ...     ImageCounts(np.arange(4), (), overlap + n, union - n, ("soil", "leaf"), "12ab")
        ...     for n in (0, 1)
        ... )
        >>> print(comparison_table(compare(a, b)))
        IoU         A      B    B - A   95 % interval
        soil    0.625  0.773   +0.148  [+0.140, +0.155] *
        leaf    0.458  0.591   +0.133  [+0.123, +0.146] *
        mean    0.542  0.682   +0.140  [+0.136, +0.144] *
        The interval of the mean excludes 0: B is the better one on these 4 images.
    """
    iou, names = comparison.iou, (*comparison.class_names, "mean")
    width = max(6, *map(len, names))
    head = f"{100 * iou.confidence:g} % interval"
    lines = [f"{'IoU':{width}}  {'A':>5}  {'B':>5}  {'B - A':>7}   {head}"]
    columns = (iou.first, iou.second, iou.difference, iou.low, iou.high, iou.excludes_zero)
    for name, *values in zip(names, *(column.tolist() for column in columns), strict=True):
        lines.append(f"{name:{width}}  {_in_numbers(*values)}")
    return "\n".join([*lines, _verdict(comparison)])


def _in_numbers(
    first: float, second: float, difference: float, low: float, high: float, sure: bool
) -> str:
    scores = "  ".join("    -" if np.isnan(each) else f"{each:.3f}" for each in (first, second))
    if np.isnan(difference):
        return f"{scores}        -"
    return f"{scores}  {difference:+7.3f}  [{low:+.3f}, {high:+.3f}]{' *' if sure else ''}"


def _verdict(comparison: Comparison) -> str:
    iou, on = comparison.iou, f"on these {comparison.images} images"
    if not iou.excludes_zero[-1]:
        return f"The interval of the mean holds 0: A and B are not told apart {on}."
    better = "B" if iou.difference[-1] > 0 else "A"
    return f"The interval of the mean excludes 0: {better} is the better one {on}."
