"""PASCAL VOC 2012 with SBD: palette PNGs with 255 along the objects, and MATLAB files."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

from tests.data.trees.pictures import Size, Written, save, save_list, save_palette, scenes


def write(
    folder: Path, count: int = 2, size: Size = (48, 64), seed: int = 0, sbd: str = ".mat"
) -> Written:
    """Writes `VOCdevkit/VOC2012`, and SBD's labels as `.mat` beside it or as `.png` in it.

    SBD has labels of its own for all of VOC's images too, which no split is to take.
    """
    root = folder / "VOCdevkit" / "VOC2012"
    written: Written = {"train": {}, "val": {}, "sbd": {}}
    for number, (photo, ids) in enumerate(scenes(3 * count, size, 21, seed)):
        split, name = list(written)[number % 3], f"2008_{number:06}"
        save(photo, root / "JPEGImages" / f"{name}.jpg")
        written[split][name] = ids
        if split == "sbd":
            _save_sbd(folder, root, name, ids, sbd)
        else:
            save_palette(ids, root / "SegmentationClass" / f"{name}.png")
            _save_sbd(folder, root, name, 20 - np.minimum(ids, 20), sbd)
    for split in ("train", "val"):
        save_list(list(written[split]), root / "ImageSets" / "Segmentation" / f"{split}.txt")
    written["trainaug"] = written["train"] | written.pop("sbd")
    written["trainval"] = written["train"] | written["val"]
    return written


def _save_sbd(folder: Path, root: Path, name: str, ids: np.ndarray, suffix: str) -> None:
    if suffix == ".png":
        save(ids, root / "SegmentationClassAug" / f"{name}.png")
        return
    path = folder / "benchmark_RELEASE" / "dataset" / "cls" / f"{name}.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    present = np.unique(ids[ids < 255]).astype(np.uint8)[:, np.newaxis]
    boundaries = np.empty((20, 1), object)
    boundaries[:] = [[np.zeros(ids.shape, bool)]]
    truth = {"Boundaries": boundaries, "Segmentation": ids, "CategoriesPresent": present}
    savemat(path, {"GTcls": truth}, do_compression=True)
