"""What is counted beside the confusion matrix: borders, regions and confidence."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np

from kerasseg.evaluation.result.borders import (
    ImageMaps,
    boundary_overlaps,
    confusions_by_distance,
    contour_matches,
)
from kerasseg.evaluation.result.regions import AREAS, region_counts
from kerasseg.label_set import LabelSet

WIDTHS = (1, 2, 4, 8, 16)  # of the bands along true borders, pixels
TOLERANCES = (1, 3, 5)  # of boundary F1, pixels
BINS = 15  # of confidence, as Guo et al. 2017
STEPS = 2**20  # of a confidence: sums of whole numbers do not depend on their order


@dataclass(frozen=True)
class Details:
    """Counts of one image or, summed, of many.

    Attributes:
        distances: Confusion matrices by the distance from a true border, int64
            `(len(WIDTHS) + 1, C, C)`; see `confusions_by_distance`.
        boundaries: What Boundary IoU counts, int64 `(3, C)`.
        contours: What boundary F1 counts at each of `TOLERANCES`, int64 `(T, 4, C)`.
        regions: Regions of the truth by area, their pixels and the right ones, int64
            `(3, len(AREAS))`.
        confidences: Pixels in each of `BINS` of confidence, those that are right, and the sum of
            the confidences in steps of 2^-20, int64 `(3, BINS)`; zeros where they are not known.

    Example:
        >>> maps = np.array([[0, 0, 1, 1]]), np.array([[0, 1, 1, 1]])
        >>> one = details_of_image(*maps, LabelSet(("soil", "leaf")))
        >>> (one + one).regions.sum(axis=1).tolist()
        [4, 8, 6]
    """

    distances: np.ndarray
    boundaries: np.ndarray
    contours: np.ndarray
    regions: np.ndarray
    confidences: np.ndarray

    def __add__(self, other: "Details") -> "Details":
        names = [field.name for field in fields(self)]
        return Details(*(getattr(self, name) + getattr(other, name) for name in names))


class Tally:
    """Sums up the details of the images of an evaluation: `evaluate(..., tally=Tally(labels))`.

    The images of a batch are counted in threads of their own, on the CPU.

    Args:
        labels: The classes and the void label.
        calibration: Whether the confidence of the predictions is wanted, for which the
            probabilities of a batch, or of a whole image in tiles, are in memory.

    Example:
        >>> tally = Tally(LabelSet(("soil", "leaf")))
        >>> tally.add(np.array([[[0, 0, 1, 255]]]), np.array([[[0, 1, 1, 1]]]))
        >>> tally.details.boundaries.tolist()
        [[1, 1], [2, 1], [1, 2]]
    """

    def __init__(self, labels: LabelSet, *, calibration: bool = False) -> None:
        self.labels = labels
        self.calibration = calibration
        self.details = _nothing(labels.num_classes)
        self._threads = ThreadPoolExecutor(os.cpu_count())

    def add(
        self,
        truth: np.ndarray,
        classes: np.ndarray,
        confidence: np.ndarray | None = None,
    ) -> None:
        """Counts a batch.

        Args:
            truth: Class ids or void, `(N, H, W)`, of images at their own size.
            classes: What was predicted, `(N, H, W)`.
            confidence: The largest probability of each pixel, `(N, H, W)`, if it is known.
        """
        shares: Sequence[np.ndarray | None]
        shares = [None] * len(truth) if confidence is None else list(confidence)
        labels = [self.labels] * len(truth)
        for found in self._threads.map(details_of_image, truth, classes, labels, shares):
            self.details += found


def details_of_image(
    truth: np.ndarray,
    predicted: np.ndarray,
    labels: LabelSet,
    confidence: np.ndarray | None = None,
) -> Details:
    """Returns the details of one image.

    Args:
        truth: Class ids or void, `(H, W)`, at the image's own size.
        predicted: Class ids, `(H, W)`.
        labels: The classes and the void label.
        confidence: The largest probability of each pixel, `(H, W)`, if it is known.

    Example:
        >>> maps = np.array([[0, 0, 1, 1]]), np.array([[0, 1, 1, 1]])
        >>> details_of_image(*maps, LabelSet(("soil", "leaf"))).distances[0].tolist()
        [[0, 1], [0, 1]]
    """
    maps = ImageMaps(truth, predicted, labels.num_classes, labels.ignore_label)
    if not maps.valid.any():
        return _nothing(labels.num_classes)
    bins = np.zeros((3, BINS), np.int64)
    if confidence is not None:
        bins = confidence_bins(confidence[maps.valid], (maps.truth == maps.predicted)[maps.valid])
    return Details(
        confusions_by_distance(maps, WIDTHS),
        boundary_overlaps(maps),
        contour_matches(maps, TOLERANCES),
        region_counts(truth, predicted, labels.ignore_label),
        bins,
    )


def _nothing(classes: int) -> Details:
    shapes = [(len(WIDTHS) + 1, classes, classes), (3, classes), (len(TOLERANCES), 4, classes)]
    shapes += [(3, len(AREAS)), (3, BINS)]
    return Details(*(np.zeros(shape, np.int64) for shape in shapes))


def confidence_bins(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Returns what `ExpectedCalibrationError` counts in each bin, int64 `(3, BINS)`.

    Args:
        confidence: The largest probability of each pixel, `(P,)`.
        right: Whether its class is right, bool `(P,)`.

    Example:
        >>> confidence_bins(np.array([0.95, 0.99, 0.2]), np.array([True, False, True]))[:2, -1]
        array([2, 1])
    """
    shares = np.asarray(confidence, np.float32)
    places = np.clip(np.ceil(shares * np.float32(BINS)).astype(np.int64) - 1, 0, BINS - 1)
    steps = np.round(shares.astype(np.float64) * STEPS)
    # Whole numbers: exact in float64, as long as they are below 2^53.
    columns = (None, right, steps)
    return np.stack([np.bincount(places, each, BINS).astype(np.int64) for each in columns])
