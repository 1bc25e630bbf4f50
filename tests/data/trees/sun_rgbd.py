"""SUN RGB-D: a tree of scenes, and label maps behind references in a file of version 7.3."""

from pathlib import Path

import h5py
import numpy as np
from scipy.io import savemat

from tests.data.trees.hdf5 import matlab_file
from tests.data.trees.pictures import Size, Written, save, scenes

_HOME = "/n/fs/sun3d/data"


def write(
    folder: Path,
    count: int = 2,
    size: Size = (48, 64),
    seed: int = 0,
    tree: str = "SUNRGBD/kv2/kinect2data",
) -> Written:
    """Writes `SUNRGBD` and `SUNRGBDtoolbox`; the scenes of the test split come first."""
    written: Written = {"test": {}, "train": {}}
    maps, meta = [], []
    lists: dict[str, list[str]] = {"test": [], "train": []}
    for number, (photo, ids) in enumerate(scenes(2 * count, size, 37, seed)):
        split, name = ("test", "train")[number // count], f"{number:07}"
        scene = f"{tree}/{number:06}_2014-05-26_14-23-37-resize"
        save(photo, folder / scene / "image" / f"{name}.jpg")
        maps.append(np.where(ids == 255, 0, ids + 1))
        meta.append((f"{_HOME}/{scene}/image/{name}.jpg", f"{name}.jpg", scene))
        lists[split].append(f"{_HOME}//{scene}" if number % 2 else f"{_HOME}/{scene}")
        written[split][name] = ids
    toolbox = folder / "SUNRGBDtoolbox"
    _save_labels(maps, toolbox / "Metadata" / "SUNRGBD2Dseg.mat")
    kind = [("rgbpath", object), ("rgbname", object), ("sequenceName", object)]
    savemat(toolbox / "Metadata" / "SUNRGBDMeta.mat", {"SUNRGBDMeta": np.array([meta], kind)[0]})
    (toolbox / "traintestSUNRGBD").mkdir()
    cells = {f"all{split}": np.array([paths], object) for split, paths in lists.items()}
    savemat(toolbox / "traintestSUNRGBD" / "allsplit.mat", cells)
    return written


def _save_labels(maps: list[np.ndarray], path: Path) -> None:
    with matlab_file(path) as file:
        group = file.create_group("#refs#")
        for number, label in enumerate(maps):
            group[str(number)] = label.T.astype(np.float64)
        references = np.array([[group[str(n)].ref] for n in range(len(maps))], h5py.ref_dtype)
        struct = file.create_group("SUNRGBD2Dseg")
        struct.create_dataset("seglabel", data=references, dtype=h5py.ref_dtype)
