"""NYU Depth V2: one MATLAB file of version 7.3, with the axes in reverse order."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

from tests.data.trees.hdf5 import matlab_file
from tests.data.trees.pictures import Size, Written, scenes

NUM_NAMES = 894


def mapping(seed: int = 0) -> np.ndarray:
    """Returns the class 1..40 of each of the 894 numbers."""
    rest = np.random.default_rng(seed).integers(1, 41, NUM_NAMES - 40)
    return np.concatenate([np.arange(1, 41)[::-1], rest]).astype(np.uint8)


def write(
    folder: Path,
    count: int = 2,
    size: Size = (48, 64),
    seed: int = 0,
    labels: str = "classMapping40.mat",
) -> Written:
    """Writes the file, the splits, and the way to the 40 classes: a map, or `labels40.mat`."""
    written: Written = {"train": {}, "test": {}}
    photos, maps = zip(*scenes(2 * count, size, 40, seed), strict=True)
    for number, ids in enumerate(maps):
        written[list(written)[number % 2]][f"{number + 1:04}"] = ids
    classes = np.stack([np.where(ids == 255, 0, ids + 1) for ids in maps])
    generator, chosen = np.random.default_rng(seed), mapping()
    # Any of the numbers that are mapped to a class stands for it.
    numbers = [0, *(generator.choice(np.flatnonzero(chosen == n)) + 1 for n in range(1, 41))]
    with matlab_file(folder / "nyu_depth_v2_labeled.mat") as file:
        file["images"] = np.stack(photos).transpose(0, 3, 2, 1)
        file["labels"] = np.array(numbers, np.uint16)[classes].transpose(0, 2, 1)
    splits = {
        f"{split}Ndxs": np.array([[int(name)] for name in names], np.uint16)
        for split, names in written.items()
    }
    savemat(folder / "splits.mat", splits)
    if labels == "classMapping40.mat":
        names = np.array([[f"class {n}" for n in range(1, 41)]], object)
        savemat(folder / labels, {"mapClass": chosen[np.newaxis], "className": names})
    else:
        savemat(folder / labels, {"labels40": classes.transpose(1, 2, 0).astype(np.uint8)})
    return written
