"""PASCAL Person-Part: the finished PNGs, or PASCAL-Part's MATLAB files of masks."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

from tests.data.trees.pictures import Ids, Size, Written, save, save_list, scenes

# One of PASCAL-Part's names for each of the six classes.
PARTS = ("hair", "neck", "ruarm", "lhand", "luleg", "rfoot")
_PART = [("part_name", object), ("mask", object)]
_OBJECT = [("class", object), ("class_ind", object), ("mask", object), ("parts", object)]


def write(
    folder: Path, count: int = 2, size: Size = (48, 64), seed: int = 0, labels: str = ".png"
) -> Written:
    """Writes `VOCdevkit/VOC2010`, and `pascal_person_part` with the lists.

    The labels are in it as `.png`, or beside it as `.mat` in `Annotations_Part`.
    """
    voc, package = folder / "VOCdevkit" / "VOC2010", folder / "pascal_person_part"
    written: Written = {"train": {}, "val": {}}
    for number, (photo, ids) in enumerate(scenes(2 * count, size, 7, seed, void=None)):
        split, name = list(written)[number % 2], f"2008_{number:06}"
        save(photo, voc / "JPEGImages" / f"{name}.jpg")
        written[split][name] = ids
        if labels == ".png":
            save(ids, package / "pascal_person_part_gt" / f"{name}.png")
        else:
            save_annotation(ids, folder / "Annotations_Part" / f"{name}.mat")
    for split, names in written.items():
        lists = package / "pascal_person_part_trainval_list"
        save_list(list(names), lists / f"{split}_id.txt")
        lines = [f"/JPEGImages/{n}.jpg /pascal_person_part_gt/{n}.png" for n in names]
        save_list(lines, lists / f"{split}.txt")
    return written


def save_annotation(ids: Ids, path: Path, parts: tuple[str, ...] = PARTS) -> None:
    """Saves two persons, one of them without parts, and a dog whose head is none of theirs."""
    masks = [(part, (ids == n).astype(np.uint8)) for n, part in enumerate(parts, start=1)]
    everywhere = np.ones(ids.shape, np.uint8)
    person = ("person", 15, (ids > 0).astype(np.uint8), np.array(masks, _PART))
    bystander = ("person", 15, everywhere, np.zeros((0, 0)))
    dog = ("dog", 12, everywhere, np.array([("head", everywhere)], _PART))
    objects = np.array([person, bystander, dog], _OBJECT)
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"anno": {"imname": path.stem, "objects": objects}})
