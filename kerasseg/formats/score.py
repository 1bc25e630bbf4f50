"""Mean IoU of a file and of the Keras model on the same labelled images."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from kerasseg.data.streams import Split, decoded, examples_at
from kerasseg.errors import KerassegError
from kerasseg.evaluation.metrics import mean_iou
from kerasseg.label_set import LabelSet

if TYPE_CHECKING:
    from kerasseg.run import Run

Example: TypeAlias = tuple[np.ndarray, np.ndarray]
Masks: TypeAlias = Callable[[Sequence[np.ndarray]], Iterable[np.ndarray]]

_AT_ONCE = 16


@dataclass(frozen=True)
class Score:
    """Mean IoU of a file and of the Keras model on the same images, void left out.

    Attributes:
        images: How many images.
        mean_iou: Of the file, 0..1.
        keras_mean_iou: Of the Keras model.
        other_class: Share of all pixels whose class differs between the two.
        keras_precision: What the Keras model computes in.

    Example:
        >>> score = Score(images=10, mean_iou=0.70, keras_mean_iou=0.72, other_class=0.01)
        >>> round(score.loss, 4)
        0.02
    """

    images: int
    mean_iou: float
    keras_mean_iou: float
    other_class: float
    keras_precision: str = "float32"

    @property
    def loss(self) -> float:
        """By how much the file's is lower."""
        return self.keras_mean_iou - self.mean_iou


class LabelledImages:
    """Images with their label maps, decoded when they are asked for.

    Args:
        split: Where they are.
        labels: The classes and the void label.
        count: How many of them, spread evenly over the split; None for all.

    Raises:
        KerassegError: If `count` is below 1.

    Example:
        >>> from kerasseg.data import find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=3), "val")
        >>> examples = LabelledImages(pairs, shapes.LABELS, count=2)
        >>> [image.dtype.name for image, _ in examples]
        ['uint8', 'uint8']
    """

    def __init__(self, split: Split, labels: LabelSet, count: int | None = None) -> None:
        _check_count(count)
        self.split = split
        self.labels = labels
        most = len(split) if count is None else min(count, len(split))
        places = np.linspace(0, len(split) - 1, most).round().astype(int)
        self._places: list[int] = places.tolist()

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Example]:
        for start in range(0, len(self), _AT_ONCE):
            for example in examples_at(self.split, self._places[start : start + _AT_ONCE]):
                yield decoded(example)


def _check_count(count: int | None) -> None:
    if count is not None and count < 1:
        raise KerassegError(f"--images {count}: give at least 1.")


def labelled_images_of_run(
    run: "Run", data_dir: str | os.PathLike[str] | None, count: int | None
) -> LabelledImages:
    """Returns images of a run's validation split.

    Args:
        run: The run directory.
        data_dir: Where the data lie, if not where the recipe says.
        count: As for `LabelledImages`.

    Raises:
        KerassegError: If the data cannot be used.

    Example:
        >>> from kerasseg.run import Run
        >>> labelled_images_of_run(Run("runs/leaves"), None, 0)
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: --images 0: give at least 1.
    """
    from kerasseg.evaluation.report.of_run import find_split

    _check_count(count)
    return LabelledImages(*find_split(run, "", data_dir), count)


def score(masks: Masks, expected: Masks, examples: LabelledImages) -> Score:
    """Returns how two ways from images to class ids do on the same images.

    Args:
        masks: Of the file: pixels, uint8 `(H, W, 3)` each, to class ids `(H, W)` each.
        expected: Of the Keras model.
        examples: At least one.
    """
    labels = examples.labels
    counts = np.zeros((2, labels.num_classes, labels.num_classes), np.int64)
    others = pixels = 0
    rest = iter(examples)
    while some := list(islice(rest, _AT_ONCE)):
        images = [image for image, _ in some]
        for found, own, (_, truth) in zip(masks(images), expected(images), some, strict=True):
            counts[0] += _confusion(truth, found, labels)
            counts[1] += _confusion(truth, own, labels)
            others += int((found != own).sum())
            pixels += truth.size
    return Score(len(examples), mean_iou(counts[0]), mean_iou(counts[1]), others / pixels)


def _confusion(truth: np.ndarray, found: np.ndarray, labels: LabelSet) -> np.ndarray:
    """Returns pixels of true class i predicted as class j at `[i, j]`."""
    number = labels.num_classes
    known = truth != labels.ignore_label
    pairs = truth[known].astype(np.int64) * number + found[known]
    return np.bincount(pairs, minlength=number**2).reshape(number, number)
