"""What annotations in COCO's format name, and what is wrong with the files that make no pair."""

import os
from collections.abc import Iterable
from pathlib import Path

from kerasseg.data import tiff
from kerasseg.data.coco_json import CocoJson
from kerasseg.data.faults import Fault, Notes, noting, part_of
from kerasseg.data.folder import IMAGE_SUFFIXES
from kerasseg.data.pair import Pair


def take_coco_inventory(source: CocoJson, split: str) -> tuple[list[Pair], Notes]:
    """Returns the pairs of a split with all that can be drawn, and what is wrong with the others.

    Args:
        source: The data set; `CocoJson.find` would stop at the first fault.
        split: One of its splits.

    Raises:
        KerassegError: If there is no such split, or its JSON file cannot be read.
    """
    with noting() as notes:
        pairs = source.stored(split)
    annotations, folder = source.annotation_file(split), source.image_folder(split)
    for pair in pairs:
        name = Path(os.path.relpath(pair.image, folder)).as_posix()
        notes.sources[pair.label] = part_of(annotations, name)
    if pairs:  # Where nothing was listed that is the fault.
        notes.faults += _unlisted(folder, {pair.image for pair in pairs}, annotations)
    return notes.usable(pairs), notes


def _unlisted(folder: Path, listed: set[Path], annotations: Path) -> Iterable[Fault]:
    suffixes = (*IMAGE_SUFFIXES, *tiff.SUFFIXES)
    for path in sorted(folder.rglob("*")):
        is_image = path.suffix.lower() in suffixes and not path.name.startswith(".")
        if is_image and path not in listed:
            yield Fault("unlisted-image", path, f"not in {annotations.name}")
