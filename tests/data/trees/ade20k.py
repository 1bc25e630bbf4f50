"""ADE20K: 0 is everything that is none of the 150 classes."""

from pathlib import Path

import numpy as np

from tests.data.trees.pictures import Size, Written, save, save_list, scenes


def write(folder: Path, count: int = 2, size: Size = (48, 64), seed: int = 0) -> Written:
    """Writes `ADEChallengeData2016`."""
    root = folder / "ADEChallengeData2016"
    written: Written = {"train": {}, "val": {}}
    for number, (photo, ids) in enumerate(scenes(2 * count, size, 150, seed)):
        split, part = [("train", "training"), ("val", "validation")][number % 2]
        name = f"ADE_{split}_{number + 1:08}"
        save(photo, root / "images" / part / f"{name}.jpg")
        save(np.where(ids == 255, 0, ids + 1), root / "annotations" / part / f"{name}.png")
        written[split][name] = ids
    save_list([f"{name} street" for name in written["train"]], root / "sceneCategories.txt")
    return written
