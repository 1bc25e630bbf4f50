"""COCO-Stuff: 0..181 with gaps, and 255."""

from pathlib import Path

import numpy as np

from tests.data.trees.pictures import Size, Written, save, scenes

GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91)
VALUES = [number - 1 for number in range(1, 183) if number not in GAPS]


def write(
    folder: Path,
    count: int = 2,
    size: Size = (48, 64),
    seed: int = 0,
    places: tuple[str, str] = ("images", "annotations"),
) -> Written:
    """Writes `images/*2017` and `annotations/*2017`, or other folders in place of the two."""
    written: Written = {"train": {}, "val": {}}
    for number, (photo, ids) in enumerate(scenes(2 * count, size, 171, seed)):
        split, name = list(written)[number % 2], f"{number:012}"
        save(photo, folder / places[0] / f"{split}2017" / f"{name}.jpg")
        stored = np.array([*VALUES, *[255] * 85], np.uint8)[ids]
        save(stored, folder / places[1] / f"{split}2017" / f"{name}.png")
        written[split][name] = ids
    return written
