"""PASCAL-Context: every pixel of the images of PASCAL VOC 2010, in the 59 most frequent classes.

The label maps are MATLAB files of numbers in a list of 459 names, `labels.txt`. The 59 classes are
those of the same name there; three names differ between the two lists. What is none of the 59 is
void, or with 60 classes background.
"""

from functools import partial
from pathlib import Path

import numpy as np

from kerasseg.data import matlab
from kerasseg.data.conversion import Conversion, convert
from kerasseg.data.data_set import DataSet
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.data.pair import Pair
from kerasseg.data.sources.tree import files_in, listed, named, root_of
from kerasseg.data.sources.voc2012 import OBJECTS
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet, default_palette

CLASSES = (
    *OBJECTS,
    *("bag", "bed", "bench", "book", "building", "cabinet", "ceiling", "clothes", "computer"),
    *("cup", "door", "fence", "floor", "flower", "food", "grass", "ground", "keyboard", "light"),
    *("mountain", "mouse", "curtain", "platform", "sign", "plate", "road", "rock", "shelves"),
    *("sidewalk", "sky", "snow", "bedcloth", "track", "tree", "truck", "wall", "water", "window"),
    "wood",
)
_OTHER_NAMES = {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}
_VOID = 255
_VOC_PLACES = ("", "VOC2010", "VOCdevkit/VOC2010")
_CONTEXT_PLACES = (*_VOC_PLACES, "pascal-context")
_LAYOUT = """\
trainval/2008_000002.mat
labels.txt
VOCdevkit/VOC2010/JPEGImages/2008_000002.jpg
VOCdevkit/VOC2010/ImageSets/Main/train.txt, val.txt"""


def _read(data_dir: Path, split: str, first: int) -> list[Pair]:
    needed = ("JPEGImages", "ImageSets/Main")
    voc = root_of(data_dir, "PASCAL VOC 2010, the images of PASCAL-Context", needed, _VOC_PLACES)
    needed = ("trainval", "labels.txt")
    context = root_of(data_dir, "the labels of PASCAL-Context", needed, _CONTEXT_PLACES)
    encoding = _encoding(context / "labels.txt", first)
    source = voc / "ImageSets" / "Main" / f"{split}.txt"
    names = listed(source)
    images = named(names, files_in(voc / "JPEGImages", ".jpg"), voc / "JPEGImages", source)
    files = named(names, files_in(context / "trainval", ".mat"), context / "trainval", source)
    labels = convert(
        "pascal_context", [Conversion(path, path.stem, partial(_label, path)) for path in files]
    )
    return [
        Pair(image, label.path, encoding, label.problem)
        for image, label in zip(images, labels, strict=True)
    ]


def _label(path: Path) -> np.ndarray:
    return np.asarray(matlab.variable(path, "LabelMap"), np.uint16)


def _encoding(path: Path, first: int) -> LabelEncoding:
    """Returns the encoding of the numbers of `labels.txt`; class 0 of the 59 becomes `first`."""
    numbers = _numbers(path)
    ids = dict.fromkeys((0, *numbers.values()), 0 if first else _VOID)
    for place, name in enumerate(CLASSES):
        found = numbers.get(name, numbers.get(_OTHER_NAMES.get(name, name)))
        if found is None:
            raise KerassegError(
                f"{path} lists no class {name!r} among its {len(numbers)}. It is published with "
                "459 lines such as '2: aeroplane'; restore it."
            )
        ids[found] = first + place
    return LabelEncoding(ids=ids)


def _numbers(path: Path) -> dict[str, int]:
    """Returns the numbers of `labels.txt` by name; the names are compared without spaces."""
    numbers = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        number, colon, name = line.partition(":")
        if colon and number.strip().isdigit():
            numbers[name.replace(" ", "").strip().lower()] = int(number)
    return numbers


def _data_set(name: str, title: str, labels: LabelSet, first: int) -> DataSet:
    return DataSet(
        name=name,
        title=title,
        labels=labels,
        images={"train": 4998, "val": 5105},
        licence="images: Flickr's terms of use",
        homepage="https://cs.stanford.edu/~roozbeh/pascal-context/",
        paper="Mottaghi et al., CVPR 2014",
        layout=_LAYOUT,
        read=partial(_read, first=first),
    )


DATA_SET = _data_set("pascal_context", "PASCAL-Context, 59 classes", LabelSet(CLASSES), first=0)
WITH_BACKGROUND = _data_set(
    "pascal_context60",
    "PASCAL-Context, 59 classes and background",
    LabelSet(("background", *CLASSES), ((0, 0, 0), *default_palette(59))),
    first=1,
)
