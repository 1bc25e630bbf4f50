"""PASCAL Person-Part: the parts of people in images of PASCAL VOC 2010, in six classes.

The lists of the split and the label maps come with DeepLab (Chen et al., TPAMI 2018), as PNG files
of the classes. Where these are not there, the maps are made of the annotations of PASCAL-Part, a
MATLAB file an image in which each part of each object has a mask.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kerasseg.data import matlab
from kerasseg.data.conversion import Conversion, Converted, convert
from kerasseg.data.data_set import DataSet
from kerasseg.data.pair import Pair
from kerasseg.data.sources.tree import files_in, listed, named, root_of
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet, default_palette

CLASSES = (
    *("background", "head", "torso", "upper arms", "lower arms", "upper legs", "lower legs"),
)
PARTS: dict[str, tuple[str, ...]] = {
    "head": (
        *("head", "hair", "nose", "mouth", "leye", "reye", "lear", "rear", "lebrow", "rebrow"),
    ),
    "torso": ("torso", "neck"),
    "upper arms": ("luarm", "ruarm"),
    "lower arms": ("llarm", "rlarm", "lhand", "rhand"),
    "upper legs": ("luleg", "ruleg"),
    "lower legs": ("llleg", "rlleg", "lfoot", "rfoot"),
}
"""What PASCAL-Part calls the parts of a person, by class."""

_NUMBERS = {part: CLASSES.index(name) for name, parts in PARTS.items() for part in parts}
_PLACES = ("", "VOC2010", "VOCdevkit/VOC2010")
_PACKAGE = "pascal_person_part"
_LAYOUT = """\
VOCdevkit/VOC2010/JPEGImages/2008_000008.jpg
pascal_person_part/pascal_person_part_trainval_list/train_id.txt, val_id.txt
one of
pascal_person_part/pascal_person_part_gt/2008_000008.png
Annotations_Part/2008_000008.mat"""


def _read(data_dir: Path, split: str) -> list[Pair]:
    voc = root_of(data_dir, "PASCAL VOC 2010, the images of Person-Part", ("JPEGImages",), _PLACES)
    lists = f"{_PACKAGE}_trainval_list"
    places = (*_PLACES, *(f"{place}/{_PACKAGE}".lstrip("/") for place in _PLACES))
    package = root_of(data_dir, "PASCAL Person-Part", (lists,), places)
    source = package / lists / f"{split}_id.txt"
    names = listed(source)
    images = named(names, files_in(voc / "JPEGImages", ".jpg"), voc / "JPEGImages", source)
    labels = _labels(data_dir, package / f"{_PACKAGE}_gt", names, source)
    return [
        Pair(image, label.path, problem=label.problem)
        for image, label in zip(images, labels, strict=True)
    ]


def _labels(data_dir: Path, finished: Path, names: list[str], source: Path) -> list[Converted]:
    if finished.is_dir():
        return [Converted(p) for p in named(names, files_in(finished, ".png"), finished, source)]
    parts = root_of(
        data_dir,
        f"the labels of PASCAL Person-Part ({finished.name} beside {source.parent.name})",
        ("Annotations_Part",),
        _PLACES,
    )
    folder = parts / "Annotations_Part"
    files = named(names, files_in(folder, ".mat"), folder, source)
    return convert("person_part", [Conversion(p, p.stem, partial(label_of, p)) for p in files])


def label_of(path: Path) -> np.ndarray:
    """Returns the classes of the persons of a file of PASCAL-Part, uint8 `(H, W)`.

    Of parts that overlap the later one in the file is seen.

    Raises:
        KerassegError: If the file cannot be read, holds no object or a part of another name.
    """
    objects = np.atleast_1d(matlab.variable(path, "anno").objects)
    if not len(objects):
        raise KerassegError(f"{path} annotates no object. Restore it.")
    label = np.zeros(np.shape(objects[0].mask), np.uint8)
    for person in (each for each in objects if getattr(each, "class") == "person"):
        for part in np.atleast_1d(person.parts):
            label[np.asarray(part.mask, bool)] = _number(path, part)
    return label


def _number(path: Path, part: Any) -> int:
    if part.part_name not in _NUMBERS:
        raise KerassegError(
            f"{path} has a person with a part {part.part_name!r}, which is none of PASCAL-Part's "
            f"{len(_NUMBERS)}. Restore it."
        )
    return _NUMBERS[part.part_name]


DATA_SET = DataSet(
    name="person_part",
    title="PASCAL Person-Part",
    labels=LabelSet(CLASSES, ((0, 0, 0), *default_palette(6))),
    images={"train": 1716, "val": 1817},
    licence="images: Flickr's terms of use",
    homepage="http://liangchiehchen.com/projects/DeepLab.html",
    paper="Chen et al. (Detect What You Can), CVPR 2014; Chen et al. (DeepLab), TPAMI 2018",
    layout=_LAYOUT,
    read=_read,
)
