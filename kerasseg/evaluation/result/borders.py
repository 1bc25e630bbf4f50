"""What lies near the borders of label maps, one image at a time, by NumPy.

The counts are those of `kerasseg.evaluation.metrics`. Bytes and windows that are doubled make them
many times as fast on a CPU as the metrics' graphs, which run on any device and under XLA, and are
given logits.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

Extreme = Callable[[np.ndarray, np.ndarray], np.ndarray]
_SHARE_OF_DIAGONAL = 0.02  # the d of Boundary IoU


class ImageMaps:
    """Truth and prediction of one image in the smallest dtype, void taken out of both.

    Args:
        truth: Class ids or void, `(H, W)`, any integer dtype.
        predicted: Class ids, `(H, W)`, any integer dtype.
        num_classes: C.
        ignore_label: The label of void pixels.
    """

    def __init__(
        self, truth: np.ndarray, predicted: np.ndarray, num_classes: int, ignore_label: int
    ) -> None:
        # Two values behind the classes are free to stand for nothing.
        self.dtype = np.dtype(np.uint8 if num_classes <= 254 else np.uint16)
        self.nothing = 255 if num_classes <= 254 else 65535
        self.num_classes = num_classes
        self.valid = truth != ignore_label
        self.truth = np.where(self.valid, truth, 0).astype(self.dtype)
        self.predicted = predicted.astype(self.dtype)

    def near_other_class(self, classes: np.ndarray, radii: Sequence[int]) -> list[np.ndarray]:
        """Returns where a valid pixel of another class lies at most so many rows and columns away.

        Void is no other class, neither is it in the way.

        Args:
            classes: `truth` or `predicted`.
            radii: Pixels, ascending, from 1.

        Returns:
            For each radius bool `(H, W)`, False where it is void.
        """
        # Where the smallest or the largest class in reach is another, there is another.
        lowest = np.where(self.valid, classes, self.nothing).astype(self.dtype)
        highest = np.where(self.valid, classes, 0).astype(self.dtype)
        found = []
        for before, radius in pairwise((0, *radii)):
            lowest = _windows(lowest, radius - before, np.minimum, self.nothing)
            highest = _windows(highest, radius - before, np.maximum, 0)
            found.append(self.valid & ((lowest != classes) | (highest != classes)))
        return found

    def counts(self, classes: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Returns the chosen pixels of each class, int64 `(C,)`."""
        return np.bincount(classes[chosen], minlength=self.num_classes)


def _windows(values: np.ndarray, radius: int, extreme: Extreme, outside: int) -> np.ndarray:
    """Returns the extreme of the values at most `radius` rows and columns away."""
    for _ in range(2):
        values = _along_rows(values, radius, extreme, outside).T
    return values


def _along_rows(values: np.ndarray, radius: int, extreme: Extreme, outside: int) -> np.ndarray:
    width, length, rows = 2 * radius + 1, 1, len(values)
    wide = np.pad(values, ((radius, radius), (0, 0)), constant_values=outside)
    while 2 * length <= width:
        wide = extreme(wide[:-length], wide[length:])
        length *= 2
    rest = width - length
    return extreme(wide[:rows], wide[rest : rest + rows])


def confusions_by_distance(maps: ImageMaps, widths: Sequence[int]) -> np.ndarray:
    """Returns confusion matrices of the pixels by their distance from a true border.

    Args:
        maps: An image.
        widths: K of them, pixels, ascending, from 1.

    Returns:
        int64 `(K + 1, C, C)`: of the pixels that have another class within the first width, of
        those that have one within the second alone, and so on; and of the rest.
    """
    classes = maps.num_classes
    near = maps.near_other_class(maps.truth, widths)
    ring = len(widths) - np.sum(near, axis=0, dtype=np.int64)
    places = (ring * classes + maps.truth) * classes + maps.predicted
    size = (len(widths) + 1) * classes**2
    return np.bincount(places[maps.valid], minlength=size).reshape(-1, classes, classes)


def boundary_overlaps(maps: ImageMaps) -> np.ndarray:
    """Returns what `image_boundary_overlaps` does with its defaults, int64 `(3, C)`."""
    radius = max(1, int(np.round(_SHARE_OF_DIAGONAL * np.hypot(*maps.valid.shape))))
    of_truth, of_prediction = (
        _with_image_edge(maps, maps.near_other_class(each, [radius])[0], radius)
        for each in (maps.truth, maps.predicted)
    )
    both = of_truth & of_prediction & (maps.truth == maps.predicted)
    pixels = ((maps.truth, both), (maps.truth, of_truth), (maps.predicted, of_prediction))
    return np.stack([maps.counts(*each) for each in pixels])


def _with_image_edge(maps: ImageMaps, near: np.ndarray, radius: int) -> np.ndarray:
    inside = np.zeros_like(near)
    inside[radius:-radius, radius:-radius] = True
    return near | (maps.valid & ~inside)


def contour_matches(maps: ImageMaps, tolerances: Sequence[int]) -> np.ndarray:
    """Returns what `image_contour_matches` does at each tolerance, int64 `(T, 4, C)`.

    Args:
        maps: An image.
        tolerances: T of them, pixels, ascending, from 0.
    """
    (of_truth,) = maps.near_other_class(maps.truth, [1])
    (of_prediction,) = maps.near_other_class(maps.predicted, [1])
    truth = np.where(of_truth, maps.truth, maps.nothing).astype(maps.dtype)
    predicted = np.where(of_prediction, maps.predicted, maps.nothing - 1).astype(maps.dtype)
    found, matched = np.zeros_like(of_truth), np.zeros_like(of_prediction)
    counts = []
    for before, tolerance in pairwise((-1, *tolerances)):
        for offset in _ring(before, tolerance):
            here, there = _shifted(offset, truth.shape)
            same = predicted[here] == truth[there]
            matched[here] |= same
            found[there] |= same
        counts.append(
            [
                maps.counts(maps.predicted, matched),
                maps.counts(maps.predicted, of_prediction),
                maps.counts(maps.truth, found),
                maps.counts(maps.truth, of_truth),
            ]
        )
    return np.array(counts)


def _ring(before: int, radius: int) -> Iterator[tuple[int, int]]:
    """Gives the offsets that are at most `radius` and more than `before` long."""
    reach = range(-radius, radius + 1)
    for row in reach:
        for column in reach:
            squared = row**2 + column**2
            if squared <= radius**2 and (before < 0 or squared > before**2):
                yield row, column


def _shifted(
    offset: Iterable[int], shape: Iterable[int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Returns the part of a map that stays inside of it when it is moved, and where it goes."""
    here, there = [], []
    for distance, length in zip(offset, shape, strict=True):
        here.append(slice(max(0, -distance), max(0, length - max(0, distance))))
        there.append(slice(max(0, distance), max(0, length + min(0, distance))))
    return tuple(here), tuple(there)
