"""NYU Depth V2 in 40 classes: colour images and labels in one MATLAB file of version 7.3.

Its 894 numbers become 40 by the map of Gupta et al., `classMapping40.mat`. Where that is not there,
the finished labels of `labels40.mat` are taken. What is none of the 40 is void.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np

from kerasseg.data import matlab
from kerasseg.data.conversion import Conversion, convert
from kerasseg.data.data_set import DataSet
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.data.pair import Pair
from kerasseg.data.sources.tree import root_of
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet

CLASSES = (
    *("wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf"),
    *("picture", "counter", "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror"),
    *("floor mat", "clothes", "ceiling", "books", "refrigerator", "television", "paper", "towel"),
    *("shower curtain", "box", "whiteboard", "person", "night stand", "toilet", "sink", "lamp"),
    *("bathtub", "bag", "otherstructure", "otherfurniture", "otherprop"),
)
_FORTY = LabelEncoding(ids={0: 255} | {number: number - 1 for number in range(1, 41)})
_VARIABLES = {"train": "trainNdxs", "test": "testNdxs"}
_FILE, _MAPPING, _LABELS = "nyu_depth_v2_labeled.mat", "classMapping40.mat", "labels40.mat"
_LAYOUT = """\
nyu_depth_v2_labeled.mat
splits.mat
one of
classMapping40.mat
labels40.mat"""


def _read(data_dir: Path, split: str) -> list[Pair]:
    root = root_of(data_dir, "NYU Depth V2", (_FILE, "splits.mat"))
    numbers = _numbers(root, split)
    if (root / _MAPPING).is_file():
        encoding = _encoding(root / _MAPPING)
        labels = [_conversion(root / _FILE, number, _label) for number in numbers]
    elif (root / _LABELS).is_file():
        encoding, read = _FORTY, _Forty(root / _LABELS)
        labels = [_conversion(root / _LABELS, number, read) for number in numbers]
    else:
        raise KerassegError(
            f"{root} lacks the way to the 40 classes: expected {_MAPPING} or {_LABELS}, of the "
            "NYU benchmarks of Gupta et al., beside the labels."
        )
    images = convert("nyudv2_images", [_conversion(root / _FILE, n, _image) for n in numbers])
    maps = convert("nyudv2_labels", labels)
    return [
        Pair(image.path, label.path, encoding, image.problem or label.problem)
        for image, label in zip(images, maps, strict=True)
    ]


def _numbers(root: Path, split: str) -> list[int]:
    """Returns the numbers of the images of a split, counted from 1."""
    found = np.atleast_1d(matlab.variable(root / "splits.mat", _VARIABLES[split]))
    with matlab.hdf5(root / _FILE, "images", "labels") as file:
        count = len(file["images"])
    if len(found) and not 1 <= found.min() <= found.max() <= count:
        raise KerassegError(
            f"{root / 'splits.mat'} names image {found.max(initial=0)} for {split}, and {_FILE} "
            f"holds 1..{count}: they do not belong together."
        )
    return [int(number) for number in found]


def _conversion(path: Path, number: int, read: Callable[[Path, int], np.ndarray]) -> Conversion:
    return Conversion(path, f"{number:04}", partial(read, path, number))


def _image(path: Path, number: int) -> np.ndarray:
    with matlab.hdf5(path, "images") as file:
        return np.ascontiguousarray(file["images"][number - 1].transpose(2, 1, 0), np.uint8)


def _label(path: Path, number: int) -> np.ndarray:
    with matlab.hdf5(path, "labels") as file:
        return np.ascontiguousarray(file["labels"][number - 1].T, np.uint16)


class _Forty:
    """The label maps of `labels40.mat`, which is read as a whole when the first is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._maps: np.ndarray | None = None
        self._lock = Lock()

    def __call__(self, _: Path, number: int) -> np.ndarray:
        with self._lock:
            if self._maps is None:
                self._maps = matlab.variable(self._path, "labels40")
        return np.array(self._maps[..., number - 1], np.uint8)


def _encoding(path: Path) -> LabelEncoding:
    """Returns the encoding that a map from each number, counted from 1, to 1..40 stands for."""
    classes = np.atleast_1d(matlab.variable(path, "mapClass"))
    if classes.min() < 0 or classes.max() > len(CLASSES):
        raise KerassegError(f"{path} maps to {classes.max()} classes; expected {len(CLASSES)}.")
    ids = {number: int(value) - 1 for number, value in enumerate(classes, start=1) if value}
    return LabelEncoding(ids=dict.fromkeys(range(len(classes) + 1), 255) | ids)


DATA_SET = DataSet(
    name="nyudv2",
    title="NYU Depth V2, 40 classes",
    labels=LabelSet(CLASSES),
    images={"train": 795, "test": 654},
    licence="see its homepage",
    homepage="https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html",
    paper="Silberman et al., ECCV 2012; 40 classes: Gupta et al., CVPR 2013",
    layout=_LAYOUT,
    read=_read,
)
