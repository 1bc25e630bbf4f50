"""PASCAL VOC 2012, with the further labels of the Semantic Boundaries Dataset (SBD).

The label maps are palette PNGs whose indices are the classes, with 255 along the objects. Of an
image that both label, VOC's own map is taken.
"""

from functools import partial
from pathlib import Path

import numpy as np

from kerasseg.data import matlab
from kerasseg.data.conversion import Conversion, Converted, convert
from kerasseg.data.data_set import DataSet
from kerasseg.data.pair import Pair
from kerasseg.data.sources.tree import files_in, listed, named, root_of
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet, default_palette

OBJECTS = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
_PLACES = ("", "VOC2012", "VOCdevkit/VOC2012")
_SBD_PLACES = ("benchmark_RELEASE/dataset", "SBD/benchmark_RELEASE/dataset", "VOCaug/dataset")
_LAYOUT = """\
VOCdevkit/VOC2012/JPEGImages/2007_000032.jpg
VOCdevkit/VOC2012/SegmentationClass/2007_000032.png
VOCdevkit/VOC2012/ImageSets/Segmentation/train.txt, val.txt
for trainaug one of
benchmark_RELEASE/dataset/cls/2008_000002.mat
VOCdevkit/VOC2012/SegmentationClassAug/2008_000002.png"""


def _read(data_dir: Path, split: str) -> list[Pair]:
    root = root_of(data_dir, "PASCAL VOC 2012", ("JPEGImages", "SegmentationClass"), _PLACES)
    lists = root / "ImageSets" / "Segmentation"
    if split == "trainaug":
        return [*_labelled(root, lists / "train.txt"), *_further(data_dir, root, lists)]
    if split == "trainval":
        return [*_labelled(root, lists / "train.txt"), *_labelled(root, lists / "val.txt")]
    return _labelled(root, lists / f"{split}.txt")


def _labelled(root: Path, source: Path) -> list[Pair]:
    names = listed(source)
    images, labels = root / "JPEGImages", root / "SegmentationClass"
    paths = zip(
        named(names, files_in(images, ".jpg"), images, source),
        named(names, files_in(labels, ".png"), labels, source),
        strict=True,
    )
    return [Pair(image, label) for image, label in paths]


def _further(data_dir: Path, root: Path, lists: Path) -> list[Pair]:
    """Returns the pairs whose labels come from SBD and are neither in VOC's train nor val."""
    own = {*listed(lists / "train.txt"), *listed(lists / "val.txt")}
    folder, suffix = _sbd_folder(data_dir, root)
    files = {name: path for name, path in files_in(folder, suffix).items() if name not in own}
    names = sorted(files)
    if not names:
        raise KerassegError(
            f"{folder} holds no *{suffix} beyond the images of VOC's own train and val, so that "
            "trainaug would be train. Unpack the archive of SBD again."
        )
    images = named(names, files_in(root / "JPEGImages", ".jpg"), root / "JPEGImages", folder)
    labels = [Converted(files[name]) for name in names]
    if suffix == ".mat":
        jobs = [Conversion(p, p.stem, partial(_sbd_label, p)) for p, _ in labels]
        labels = convert("sbd", jobs)
    return [
        Pair(image, label.path, problem=label.problem)
        for image, label in zip(images, labels, strict=True)
    ]


def _sbd_folder(data_dir: Path, root: Path) -> tuple[Path, str]:
    if (root / "SegmentationClassAug").is_dir():
        return root / "SegmentationClassAug", ".png"
    for base in (data_dir, root, root.parent, root.parent.parent):
        for place in _SBD_PLACES:
            if (base / place / "cls").is_dir():
                return base / place / "cls", ".mat"
    raise KerassegError(
        f"{data_dir} lacks the labels of SBD, which trainaug needs: expected "
        f"{' or '.join(_SBD_PLACES)} with cls/*.mat in it, or {root / 'SegmentationClassAug'}."
    )


def _sbd_label(path: Path) -> np.ndarray:
    ground_truth = matlab.variable(path, "GTcls")
    return np.asarray(ground_truth.Segmentation, np.uint8)


DATA_SET = DataSet(
    name="voc2012",
    title="PASCAL VOC 2012",
    labels=LabelSet(("background", *OBJECTS), ((0, 0, 0), *default_palette(20))),
    images={"train": 1464, "trainaug": 10582, "val": 1449, "trainval": 2913},
    licence="images: Flickr's terms of use",
    homepage="http://host.robots.ox.ac.uk/pascal/VOC/voc2012/",
    paper="Everingham et al., IJCV 2010; SBD: Hariharan et al., ICCV 2011",
    layout=_LAYOUT,
    read=_read,
)
