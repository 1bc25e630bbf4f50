"""SUN RGB-D in 37 classes: colour images in a tree of scenes, all labels in one MATLAB file.

The labels are in the order of the scenes in `SUNRGBDMeta.mat`; 0 in them is void. The scenes of
the training split are listed in `allsplit.mat`, by paths of the machine of its authors.
"""

from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from kerasseg.data import matlab
from kerasseg.data.conversion import Conversion, convert, remembered
from kerasseg.data.data_set import DataSet
from kerasseg.data.faults import Fault, refuse
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.data.pair import Pair
from kerasseg.data.sources.tree import root_of
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet

CLASSES = (
    *("wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf"),
    *("picture", "counter", "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror"),
    *("floor mat", "clothes", "ceiling", "books", "fridge", "tv", "paper", "towel"),
    *("shower curtain", "box", "whiteboard", "person", "night stand", "toilet", "sink", "lamp"),
    *("bathtub", "bag"),
)
_ENCODING = LabelEncoding(ids={0: 255} | {number: number - 1 for number in range(1, 38)})
_META = Path("SUNRGBDtoolbox", "Metadata", "SUNRGBDMeta.mat")
_LABELS = Path("SUNRGBDtoolbox", "Metadata", "SUNRGBD2Dseg.mat")
_SPLITS = Path("SUNRGBDtoolbox", "traintestSUNRGBD", "allsplit.mat")
_TREE = "SUNRGBD"
_LAYOUT = """\
SUNRGBD/kv2/kinect2data/000002_2014-05-26_14-23-37_260595134347_rgbf000103-resize/image/0000103.jpg
SUNRGBDtoolbox/Metadata/SUNRGBDMeta.mat
SUNRGBDtoolbox/Metadata/SUNRGBD2Dseg.mat
SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat"""


def _read(data_dir: Path, split: str) -> list[Pair]:
    needed = (_TREE, *map(str, (_META, _LABELS, _SPLITS)))
    root = root_of(data_dir, "SUN RGB-D", needed)
    listed = np.atleast_1d(matlab.variable(root / _SPLITS, f"all{split}"))
    scenes = {_in_tree(path, root / _SPLITS) for path in listed}
    images = remembered("sun_rgbd", root / _META, partial(_image_paths, root / _META))
    chosen = [n for n, path in enumerate(images) if str(Path(path).parent.parent) in scenes]
    _check(root, [images[number] for number in chosen], scenes)
    labels = [
        Conversion(root / _LABELS, f"{number + 1:05}", partial(_label, root / _LABELS, number))
        for number in chosen
    ]
    maps = convert("sun_rgbd", labels)
    return [
        Pair(root / images[number], label.path, _ENCODING, label.problem)
        for number, label in zip(chosen, maps, strict=True)
    ]


def _image_paths(meta: Path) -> list[str]:
    """Returns the image of each scene, relative to the root, in the order of the labels."""
    return [
        f"{PurePosixPath(_in_tree(each.rgbpath, meta)).parent.parent}/image/{each.rgbname}"
        for each in np.atleast_1d(matlab.variable(meta, "SUNRGBDMeta"))
    ]


def _in_tree(path: str, source: Path) -> str:
    """Returns what follows the directory of the authors' machine, without doubled slashes."""
    parts = [part for part in path.split("/") if part]
    if _TREE not in parts:
        raise KerassegError(f"{source} names {path}, which has no {_TREE}/ in it. Restore it.")
    return "/".join(parts[parts.index(_TREE) :])


def _check(root: Path, images: list[str], scenes: set[str]) -> None:
    if len(images) != len(scenes):
        raise KerassegError(
            f"{root / _SPLITS} lists {len(scenes)} scenes of the split, of which {root / _META} "
            f"knows {len(images)}: they do not belong together."
        )
    missing = [path for path in images if not (root / path).is_file()]
    if missing:
        refuse(
            f"{root / _META} names {missing[0]}, which is not in {root} ({len(missing)} of "
            f"{len(images)} are missing). Unpack the archive of {_TREE}/ again.",
            [Fault("missing-file", root / path, f"listed in {_META.name}") for path in missing],
        )


def _label(path: Path, number: int) -> np.ndarray:
    with matlab.hdf5(path, "SUNRGBD2Dseg") as file:
        references = file["SUNRGBD2Dseg"]["seglabel"]
        if number >= len(references):
            raise KerassegError(
                f"{path} holds {len(references)} label maps and scene {number + 1} is asked for: "
                f"it does not belong to this {_META.name}."
            )
        return np.ascontiguousarray(file[references[number][0]][()].T, np.uint8)


DATA_SET = DataSet(
    name="sun_rgbd",
    title="SUN RGB-D, 37 classes",
    labels=LabelSet(CLASSES),
    images={"train": 5285, "test": 5050},
    licence="see its homepage",
    homepage="https://rgbd.cs.princeton.edu/",
    paper="Song et al., CVPR 2015",
    layout=_LAYOUT,
    read=_read,
)
