"""All examinations of a data set, and the classes by which they are judged."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kerasseg.data.doctor.examination import Examination
from kerasseg.label_set import LabelSet

_USUAL_VOID = 255
_LARGEST = 65535


@dataclass(frozen=True)
class Study:
    """What was found in every pair of a data set.

    Attributes:
        root: The data directory.
        splits: The examinations of each split.
        labels: The classes and the void label.
        inferred: Whether the classes were guessed from the values.
    """

    root: Path
    splits: Mapping[str, Sequence[Examination]]
    labels: LabelSet
    inferred: bool

    @property
    def training_split(self) -> str:
        """The split that statistics for training come from: `train`, or else the first."""
        return "train" if "train" in self.splits else next(iter(self.splits))

    def name(self, value: int) -> str:
        """Returns what a value of a label map is called."""
        if 0 <= value < self.labels.num_classes:
            return self.labels.class_names[value]
        return "void" if value == self.labels.ignore_label else str(value)

    def is_known(self, value: int) -> bool:
        """Returns whether a value is a class or void."""
        return 0 <= value < self.labels.num_classes or value == self.labels.ignore_label


def pixels_by_value(examinations: Iterable[Examination]) -> Counter[int]:
    """Returns the pixels of each value in all label maps."""
    total: Counter[int] = Counter()
    for examination in examinations:
        total.update(examination.values)
    return total


def inferred_labels(values: Iterable[int], ignore_label: int | None) -> LabelSet:
    """Returns the classes that values of label maps suggest: each from 0 to the largest.

    Args:
        values: Those that occur.
        ignore_label: The void label; None for 255, or for 65535 where values exceed 255.
    """
    found = set(values)
    if ignore_label is None:
        ignore_label = _USUAL_VOID if max(found, default=0) <= _USUAL_VOID else _LARGEST
    largest = max((value for value in found if value < ignore_label), default=0)
    names = tuple(str(value) for value in range(max(largest, 0) + 1))
    return LabelSet(names, ignore_label=ignore_label)
