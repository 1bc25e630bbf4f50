"""Cityscapes: 34 numbers in a folder for each city, among files of other kinds."""

from pathlib import Path

import numpy as np

from tests.data.trees.pictures import Size, Written, save, scenes

NUMBERS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
OTHERS = tuple(number for number in range(34) if number not in NUMBERS)


def write(folder: Path, count: int = 2, size: Size = (48, 64), seed: int = 0) -> Written:
    """Writes `leftImg8bit` and `gtFine`."""
    generator = np.random.default_rng(seed)
    written: Written = {"train": {}, "val": {}}
    for number, (photo, ids) in enumerate(scenes(2 * count, size, 19, seed)):
        split = list(written)[number % 2]
        city = ("aachen", "zurich")[number // 2 % 2] if split == "train" else "frankfurt"
        name = f"{city}_{number:06}_000019"
        stored = np.array([*NUMBERS, *[0] * 237])[ids]
        stored = np.where(ids < 255, stored, generator.choice(OTHERS, ids.shape)).astype(np.uint8)
        save(photo, folder / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png")
        truth = folder / "gtFine" / split / city
        save(stored, truth / f"{name}_gtFine_labelIds.png")
        save(photo, truth / f"{name}_gtFine_color.png")
        save(stored.astype(np.uint16) * 1000, truth / f"{name}_gtFine_instanceIds.png")
        (truth / f"{name}_gtFine_polygons.json").write_text("{}")
        written[split][f"{name}_leftImg8bit"] = ids
    return written
