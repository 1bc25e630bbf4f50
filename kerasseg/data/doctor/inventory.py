"""Which files a split holds, and which of them belong together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kerasseg.data import tiff
from kerasseg.data.faults import Fault
from kerasseg.data.folder import IMAGE_SUFFIXES, LABEL_SUFFIX
from kerasseg.data.label_encoding import CLASS_IDS, LabelEncoding
from kerasseg.data.pair import Pair
from kerasseg.errors import KerassegError

_FOLDERS = {
    "images": (*IMAGE_SUFFIXES, *tiff.SUFFIXES),
    "labels": (LABEL_SUFFIX, *tiff.SUFFIXES),
}


@dataclass(frozen=True)
class Inventory:
    """The pairs of a split, and what is wrong with the files that make none."""

    pairs: tuple[Pair, ...]
    faults: tuple[Fault, ...]


def take_inventory(data_dir: Path, split: str, encoding: LabelEncoding = CLASS_IDS) -> Inventory:
    """Returns what a split of a folder data set holds; `find_pairs` would stop at the first fault.

    Args:
        data_dir: The directory of the data set.
        split: The folder in it.
        encoding: How the label maps store the classes.

    Raises:
        KerassegError: If there is no such folder, or it has no images/ or labels/.
    """
    folder = data_dir / split
    _check_layout(data_dir, folder)
    faults = [Fault("unread-file", path) for path in _entries(folder) if path.name not in _FOLDERS]
    by_stem: dict[str, dict[str, Path]] = {}
    for name, suffixes in _FOLDERS.items():
        usable, wrong = _sorted_out(_entries(folder / name), suffixes)
        by_stem[name], twins = _by_stem(usable)
        faults += [*wrong, *twins]
    images, maps = by_stem["images"], by_stem["labels"]
    both = sorted(images.keys() & maps.keys())
    pairs = tuple(Pair(images[stem], maps[stem], encoding) for stem in both)
    faults += _alone("image-without-label", images, maps)
    faults += _alone("label-without-image", maps, images)
    if not pairs:
        faults.append(Fault("empty-split", folder))
    return Inventory(pairs, tuple(faults))


def other_splits(data_dir: Path, splits: Sequence[str]) -> list[Fault]:
    """Returns a note for each split of the data set that is not among those examined."""
    folders = sorted(path.parent for path in data_dir.glob("*/images") if path.is_dir())
    return [Fault("unread-split", folder) for folder in folders if folder.name not in splits]


def _check_layout(data_dir: Path, folder: Path) -> None:
    if not data_dir.is_dir():
        raise KerassegError(f"no such data directory: {data_dir}. Give the folder of the splits.")
    if not folder.is_dir():
        there = ", ".join(fault.path.name for fault in other_splits(data_dir, ()))
        raise KerassegError(
            f"{data_dir} has no split {folder.name!r}: it has {there or 'none'}. Name those that "
            "there are after --splits; a split is a folder that holds images/ and labels/."
        )
    for name in _FOLDERS:
        if not (folder / name).is_dir():
            raise KerassegError(f"{folder} has no folder {name}/; it needs images/ and labels/.")


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _sorted_out(paths: Iterable[Path], suffixes: Sequence[str]) -> tuple[list[Path], list[Fault]]:
    """Returns the files that can be read by their names, and what is wrong with the others."""
    usable, faults = [], []
    for path in paths:
        if not _is_text(path.name):
            faults.append(Fault("unreadable-name", path))
        elif path.suffix.lower() not in suffixes or not path.is_file():
            accepted = ", ".join(suffix[1:] for suffix in suffixes)
            faults.append(Fault("stray-file", path, f"accepted is {accepted}"))
        else:
            usable.append(path)
    return usable, faults


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _by_stem(paths: Iterable[Path]) -> tuple[dict[str, Path], list[Fault]]:
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        groups[path.stem].append(path)
    faults = [
        Fault("same-stem", path, "beside " + ", ".join(p.name for p in group if p != path))
        for group in groups.values()
        if len(group) > 1
        for path in group
    ]
    return {stem: group[0] for stem, group in groups.items()}, faults


def _alone(kind: str, files: dict[str, Path], partners: dict[str, Path]) -> list[Fault]:
    return [Fault(kind, path) for stem, path in sorted(files.items()) if stem not in partners]
