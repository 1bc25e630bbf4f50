"""A data set that is to be examined: its pairs, its classes, and files that make no pair."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from kerasseg.data.catalogue import describe
from kerasseg.data.coco_json import CocoJson
from kerasseg.data.doctor.coco_inventory import take_coco_inventory
from kerasseg.data.doctor.inventory import other_splits, take_inventory
from kerasseg.data.faults import Fault, noting
from kerasseg.data.label_encoding import CLASS_IDS, LabelEncoding
from kerasseg.data.pair import Pair
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet

_FOLDERS = ("camvid", "shapes")  # what is published, or commonly passed on, as a folder data set


@dataclass(frozen=True)
class Case:
    """A data set that is to be examined.

    Args:
        root: The directory that paths are shown from.
        splits: The pairs of each split.
        labels: The classes and the void label; None to infer them from the values.
        ignore_label: The void label where `labels` is None; None to infer it too.
        faults: What is wrong with files that make no pair.
        sources: What converted files are made of, by which they are named.

    Raises:
        KerassegError: If there is no split.

    Example:
        >>> from kerasseg.data import find_pairs, shapes
        >>> folder = shapes.ensure("shapes", train=2, val=1)
        >>> Case(folder, {"val": find_pairs(folder, "val")}, shapes.LABELS).num_pairs
        1
    """

    root: Path
    splits: Mapping[str, Sequence[Pair]]
    labels: LabelSet | None = None
    ignore_label: int | None = None
    faults: tuple[Fault, ...] = ()
    sources: Mapping[Path, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.splits:
            raise KerassegError(f"no split of {self.root} is to be examined; name at least one.")

    @property
    def num_pairs(self) -> int:
        """How many pairs there are in all splits."""
        return sum(map(len, self.splits.values()))

    def named(self, pair: Pair) -> Pair:
        """Returns a pair with the names that people know in place of those of converted files."""
        image, label = (self.sources.get(path, path) for path in (pair.image, pair.label))
        return replace(pair, image=image, label=label)


def open_folder(
    data_dir: str | os.PathLike[str],
    splits: Sequence[str] = ("train", "val"),
    labels: LabelSet | None = None,
    *,
    ignore_label: int | None = None,
    encoding: LabelEncoding = CLASS_IDS,
) -> Case:
    """Returns a folder data set as a case; files that make no pair are among its faults.

    Args:
        data_dir: The directory, laid out as `find_pairs` says.
        splits: The folders in it that are to be examined.
        labels: The classes and the void label; None to infer them from the values.
        ignore_label: The void label where `labels` is None; None to infer it too.
        encoding: How the label maps store the classes.

    Raises:
        KerassegError: If the directory, a split, or its images/ or labels/ is missing.

    Example:
        >>> from kerasseg.data import shapes
        >>> open_folder(shapes.ensure("shapes", train=2, val=1)).num_pairs
        3
    """
    root = Path(data_dir)
    inventories = {split: take_inventory(root, split, encoding) for split in splits}
    faults = chain.from_iterable(inventory.faults for inventory in inventories.values())
    pairs = {split: inventory.pairs for split, inventory in inventories.items()}
    return Case(root, pairs, labels, ignore_label, (*faults, *other_splits(root, splits)))


def open_published(
    name: str, data_dir: str | os.PathLike[str], splits: Sequence[str] | None = None
) -> Case:
    """Returns a data set of the catalogue as a case.

    Files that are missing, have no partner or cannot be converted are among its faults, and so are
    annotations that cannot be drawn.

    Args:
        name: One of `kerasseg.data.names()`, or `"coco_json"` for annotations in COCO's format.
        data_dir: The directory that holds it.
        splits: Those to be examined; None for one to train on and one to validate on.

    Raises:
        KerassegError: If there is no such data set or split, the directory holds something else,
            or a list or JSON file of the data set cannot be read.

    Example:
        >>> from kerasseg.data import shapes
        >>> case = open_published("shapes", shapes.ensure("shapes", train=2, val=1))
        >>> case.labels.num_classes, list(case.splits)
        (8, ['train', 'val'])
    """
    root = Path(data_dir)
    if name == "coco_json":
        return _open_coco(root, splits)
    data_set = describe(name)
    chosen = splits or _usual(data_set.splits)
    if name in _FOLDERS and all((root / split / "images").is_dir() for split in chosen):
        return open_folder(root, chosen, data_set.labels)
    with noting() as notes:
        pairs = {split: notes.usable(data_set.find(split, root)) for split in chosen}
    return Case(root, pairs, data_set.labels, None, _once(notes.faults), notes.sources)


def _open_coco(root: Path, splits: Sequence[str] | None) -> Case:
    source = CocoJson(root)
    chosen = splits or _usual(source.splits)
    inventories = {split: take_coco_inventory(source, split) for split in chosen}
    pairs = {split: pairs for split, (pairs, _) in inventories.items()}
    notes = [notes for _, notes in inventories.values()]
    faults = _once(chain.from_iterable(each.faults for each in notes))
    sources = {made: source for each in notes for made, source in each.sources.items()}
    return Case(root, pairs, source.labels, None, faults, sources)


def _once(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Returns faults by name; two splits may list the same file."""
    return tuple(sorted(dict.fromkeys(faults), key=lambda fault: (fault.path, fault.detail)))


def _usual(splits: Sequence[str]) -> list[str]:
    """Returns the split that is trained on and that which is validated on, as far as known."""
    kinds = (("train", "trainval"), ("val", "test"))
    found = (next((name for name in names if name in splits), None) for names in kinds)
    return [name for name in found if name is not None] or list(splits)
