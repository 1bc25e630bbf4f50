"""COCO's instances: polygons of 80 categories, of which VOC has twenty."""

import json
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from kerasseg.data.sources.coco_voc import RENAMED
from kerasseg.data.sources.voc2012 import OBJECTS
from tests.data.trees.pictures import Size, Written, photo, save, scenes

OTHERS = ("giraffe", "toothbrush")
NAMES = (*(RENAMED.get(name, name) for name in OBJECTS), *OTHERS)


def numbers() -> dict[str, int]:
    """COCO's numbers have gaps and follow another order than VOC's."""
    return {name: 90 - 3 * place for place, name in enumerate(NAMES)}


def write(folder: Path, count: int = 2, size: Size = (48, 64), seed: int = 0) -> Written:
    """Writes `annotations/instances_*2017.json`, and beside it the images.

    Each split also has an image of a giraffe alone and one without any annotation.
    """
    written: Written = {"train": {}, "val": {}}
    for split, found in written.items():
        contents = {"images": [], "annotations": [], "categories": _categories()}
        drawn = scenes(count, size, 21, seed + (split == "val"))
        for number, (picture, ids) in enumerate(drawn):
            ids[:8, :8] = 15  # a person at least
            picture = photo(ids, np.random.default_rng(number))
            name = _add(contents, folder, split, picture)
            _annotate(contents, ids)
            found[name] = ids
        _add(contents, folder, split, np.full((*size, 3), 90, np.uint8))
        contents["annotations"].append(_annotation(contents, "giraffe", np.ones(size, bool)))
        _add(contents, folder, split, np.full((*size, 3), 50, np.uint8))
        path = folder / "annotations" / f"instances_{split}2017.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(contents))
    return written


def _categories() -> list[dict]:
    return [{"id": number, "name": name} for name, number in numbers().items()]


def _add(contents: dict, folder: Path, split: str, picture: np.ndarray) -> str:
    number = len(contents["images"]) + 1
    name = f"{number:012}"
    save(picture, folder / f"{split}2017" / f"{name}.jpg")
    height, width = picture.shape[:2]
    image = {"id": number, "file_name": f"{name}.jpg", "height": height, "width": width}
    contents["images"].append(image)
    return name


def _annotate(contents: dict, ids: np.ndarray) -> None:
    """Annotates each class, a crowd where it is void, and a toothbrush over all, to be ignored."""
    for value in np.unique(ids[ids > 0]):
        name = "person" if value == 255 else NAMES[value - 1]
        annotation = _annotation(contents, name, ids == value)
        contents["annotations"].append(annotation | {"iscrowd": int(value == 255)})
    contents["annotations"].append(_annotation(contents, "toothbrush", ids < 256))


def _annotation(contents: dict, name: str, mask: np.ndarray) -> dict:
    code = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {
        "id": len(contents["annotations"]),
        "image_id": contents["images"][-1]["id"],
        "category_id": numbers()[name],
        "iscrowd": 0,
        "segmentation": {"size": list(mask.shape), "counts": code["counts"].decode()},
    }
