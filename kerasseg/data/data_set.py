"""What the catalogue knows of a data set."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from kerasseg.data.pair import Pair
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import LabelSet

Reader: TypeAlias = Callable[[Path, str], list[Pair]]


@dataclass(frozen=True, eq=False)
class DataSet:
    """A data set as it is published: its classes, its splits, and how its files are found.

    Args:
        name: What the catalogue calls it.
        title: What its authors call it.
        labels: Classes, palette and void label, after the pairs' encoding.
        images: How many images each split has as published.
        licence: Of images and annotations, in a few words.
        homepage: Where to get it, and where its terms stand.
        paper: What to cite.
        layout: The published tree, one path a line, as `find` reads it.
        read: Takes a directory that exists and one of the splits, and returns the pairs.

    Example:
        >>> from kerasseg.data import describe
        >>> voc = describe("voc2012")
        >>> voc.splits, voc.labels.num_classes, voc.images["trainaug"]
        (('train', 'trainaug', 'val', 'trainval'), 21, 10582)
    """

    name: str
    title: str
    labels: LabelSet
    images: Mapping[str, int]
    licence: str
    homepage: str
    paper: str
    layout: str
    read: Reader

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits."""
        return tuple(self.images)

    def find(self, split: str, data_dir: str | os.PathLike[str]) -> list[Pair]:
        """Returns the pairs of a split. What TensorFlow cannot decode is converted to PNG once.

        Where there are fewer than were published, that is said on standard error.

        Args:
            split: One of `splits`.
            data_dir: The directory that was unpacked, in the tree that `layout` shows.

        Raises:
            KerassegError: If there is no such split or directory, it holds something else than
                this data set, files are missing, or the split is empty.
        """
        if split not in self.splits:
            raise unknown_name(f"split of {self.name}", split, self.splits)
        directory = Path(data_dir)
        if not directory.is_dir():
            raise KerassegError(
                f"no such data directory: {directory}. Give the folder that holds {self.title}."
            )
        pairs = self.read(directory, split)
        if not pairs:
            raise KerassegError(
                f"the split {split!r} of {self.title} is empty in {directory}: "
                f"{self.images[split]} images were published. Unpack its archives again."
            )
        # What has no homepage is generated, in any number.
        if self.homepage and len(pairs) < self.images[split]:
            print(
                f"{directory} holds {len(pairs)} of the {self.images[split]} images that "
                f"{self.title} has in the split {split!r}: is an archive unpacked by half?",
                file=sys.stderr,
            )
        return pairs
