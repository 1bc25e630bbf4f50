"""How sure the difference of two scores over the same images is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kerasseg.checks import check_counts
from kerasseg.errors import KerassegError
from kerasseg.evaluation.metrics.class_scores import Absent, mean_of_classes, ratios

_WEIGHTS_AT_ONCE = 4_000_000
# Chance then moves the share that an end of the interval cuts off by 0.0005, of 0.025.
_MOST_SAMPLES = 100_000


@dataclass(frozen=True)
class PairedInterval:
    """The difference of two scores and the interval in which resampling finds it.

    Attributes:
        first: The score of the first evaluation, a number or one a class: float64, as the others.
        second: That of the second.
        difference: The second minus the first.
        low: The lower end of the interval of the difference; NaN where there is no difference.
        high: Its upper end.
        confidence: The share of the resamples that lie in the interval.

    Example:
        >>> found = PairedInterval(*map(np.array, (0.7, 0.8, 0.1, 0.02, 0.18)), confidence=0.95)
        >>> bool(found.excludes_zero)
        True
    """

    first: np.ndarray
    second: np.ndarray
    difference: np.ndarray
    low: np.ndarray
    high: np.ndarray
    confidence: float

    @property
    def excludes_zero(self) -> np.ndarray:
        """Whether 0 lies outside the interval, bool."""
        return (self.low > 0) | (self.high < 0)


def paired_bootstrap(
    first: Sequence[np.ndarray],
    second: Sequence[np.ndarray],
    score: Callable[..., np.ndarray],
    *,
    samples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> PairedInterval:
    """Returns the difference of a score of two evaluations, with its bootstrap interval.

    N images are drawn from the N with replacement, the same ones for both evaluations, and the
    score of each is taken over the counts of those: the percentiles of the differences are the
    ends of the interval. Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    It says how far the difference depends on which images happen to be in the data set, and
    nothing of how far it depends on the seed of a training.

    Args:
        first: Counts of the first evaluation, each `(N, ...)`: `(overlap, union)` for the IoU.
        second: The same of the second, image by image.
        score: Takes the sums of the counts over images, `(S, ...)` each, and returns `(S,)`, or
            `(S, K)` for several scores at once; NaN for a sample in which there is none.
        samples: S, how often the images are drawn, 1 to 100,000.
        confidence: Above 0 and below 1.
        seed: Any whole number from 0; the same one gives the same interval.

    Raises:
        KerassegError: If the counts do not fit together, there are fewer than two images, or an
            argument is out of its range.

    Example:
        >>> overlap = np.array([[8, 5], [6, 7], [9, 4], [7, 6]])
        >>> union = np.full((4, 2), 10)
        >>> found = paired_bootstrap((overlap, union), (overlap + 1, union), mean_iou_of_counts)
        >>> round(float(found.difference), 3), bool(found.excludes_zero)
        (0.1, True)
    """
    images = _check(first, second)
    _check_arguments(samples, confidence, seed)
    ones = np.ones((1, images))
    before, after = (np.asarray(score(*_sums(counts, ones))[0]) for counts in (first, second))
    generator = np.random.default_rng(seed)
    rows = max(1, _WEIGHTS_AT_ONCE // images)
    differences = []
    for start in range(0, samples, rows):
        wanted = min(rows, samples - start)
        weights = generator.multinomial(images, np.full(images, 1 / images), size=wanted)
        one, other = (score(*_sums(counts, weights)) for counts in (first, second))
        differences.append(other - one)
    low, high = _percentiles(np.concatenate(differences), confidence)
    return PairedInterval(before, after, after - before, low, high, confidence)


def _check(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> int:
    shapes = [[np.shape(part) for part in counts] for counts in (first, second)]
    if shapes[0] != shapes[1] or len({shape[:1] for shape in shapes[0]}) != 1:
        raise KerassegError(
            f"the counts of two evaluations have the shapes {shapes[0]} and {shapes[1]}; give the "
            "same counts of the same images for both."
        )
    images = int(shapes[0][0][0])
    if images < 2:
        raise KerassegError(f"{images} images cannot be resampled; give at least 2.")
    return images


def _check_arguments(samples: int, confidence: float, seed: int) -> None:
    check_counts(samples=samples)
    if samples > _MOST_SAMPLES:
        raise KerassegError(
            f"samples is at most {_MOST_SAMPLES}; received {samples}. 10000 are enough for an "
            "interval of 95 %."
        )
    if not 0 < confidence < 1:
        raise KerassegError(
            f"confidence is above 0 and below 1; received {confidence}. 0.95 is usual."
        )
    if seed < 0:
        raise KerassegError(f"seed is a whole number of at least 0; received {seed}.")


def _sums(counts: Sequence[np.ndarray], weights: np.ndarray) -> list[np.ndarray]:
    """Returns for each row of weights `(S, N)` the sums of counts, exact up to 2^53."""
    # In float64 the product is BLAS' own, many times as fast as one of whole numbers.
    return [np.tensordot(weights.astype(np.float64), part.astype(np.float64), 1) for part in counts]


def _percentiles(differences: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns both ends for each column of `(S, ...)`, NaN where no sample has a score."""
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    columns = differences.reshape(len(differences), -1).T
    known = [column[~np.isnan(column)] for column in columns]
    found = [np.quantile(column, ends) if len(column) else [np.nan] * 2 for column in known]
    low, high = np.array(found).T.reshape(2, *differences.shape[1:])
    return low, high


def mean_iou_of_counts(
    overlap: np.ndarray, union: np.ndarray, absent: Absent = "skip"
) -> np.ndarray:
    """Returns the mean IoU of overlap and union, a score for `paired_bootstrap`.

    Args:
        overlap: `(..., C)`, pixels that are of a class and predicted so.
        union: `(..., C)`, pixels that are of a class or predicted so.
        absent: As for `kerasseg.evaluation.mean_iou`.

    Returns:
        float64 `(...)`, 0..1; 0 where every class is skipped.

    Example:
        >>> float(mean_iou_of_counts(np.array([3, 4, 0]), np.array([4, 5, 0])))
        0.775
    """
    return mean_of_classes(ratios(overlap, union, absent))
