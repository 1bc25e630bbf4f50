"""COCO's objects under the 21 names of PASCAL VOC, to learn from before VOC itself.

The categories that VOC has too are taken by their names, and all others are background, as in
DeepLabv3 (Chen et al., arXiv 1706.05587) and the reference training of torchvision. Images with
none of the twenty are left out. Both also drop images in which these objects are small; here they
are kept. Regions that are marked as crowds are void.
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from kerasseg.data.coco_json import category_names, drawn_pairs, image_folder
from kerasseg.data.data_set import DataSet
from kerasseg.data.pair import Pair
from kerasseg.data.sources import voc2012
from kerasseg.data.sources.tree import root_of
from kerasseg.errors import KerassegError

if TYPE_CHECKING:
    from kerasseg.data.coco_annotations import CocoContents, Number

RENAMED = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}
"""What COCO calls the objects of VOC that it has under another name."""

_LAYOUT = """\
annotations/instances_train2017.json, instances_val2017.json
train2017/000000000009.jpg   (or images/train2017)
val2017/000000000139.jpg"""


def _read(data_dir: Path, split: str) -> list[Pair]:
    part = f"{split}2017"
    name = f"annotations/instances_{part}.json"
    root = root_of(data_dir, "COCO with its objects", (name,), ("", "coco"))
    path = root / name
    contents, ids = _of_voc(path)
    void = voc2012.DATA_SET.labels.ignore_label
    return drawn_pairs("coco_voc", image_folder(root, part), path, contents, ids, void)


def _of_voc(path: Path) -> "tuple[CocoContents, dict[Number, int]]":
    """Returns what of a file is about VOC's objects, and their classes by COCO's number."""
    from kerasseg.data.coco_annotations import read_annotations

    contents = read_annotations(path)
    ids = _ids(path, contents)
    objects = [each for each in contents.annotations if each.category_id in ids]
    seen = {each.image_id for each in objects}
    if not seen:
        raise KerassegError(
            f"{path} has no object of VOC's classes in any of its {len(contents.images)} images. "
            "Unpack COCO's annotations again."
        )
    images = [each for each in contents.images if each.id in seen]
    return dataclasses.replace(contents, images=images, annotations=objects), ids


def _ids(path: Path, contents: "CocoContents") -> "dict[Number, int]":
    """Returns VOC's class of each category that it has, by the number of the category."""
    numbers = {name: number for number, name in category_names(path, contents).items()}
    wanted = [RENAMED.get(name, name) for name in voc2012.OBJECTS]
    if missing := [name for name in wanted if name not in numbers]:
        raise KerassegError(
            f"{path} has no category {missing[0]!r} ({len(missing)} of VOC's {len(wanted)} are "
            "missing). Unpack COCO's annotations again."
        )
    return {numbers[name]: place for place, name in enumerate(wanted, start=1)}


DATA_SET = DataSet(
    name="coco_voc",
    title="COCO, its objects under the names of PASCAL VOC",
    labels=voc2012.DATA_SET.labels,
    # Those without an object of VOC, which are left out, included.
    images={"train": 118287, "val": 5000},
    licence="images: Flickr's terms of use; labels: CC BY 4.0",
    homepage="https://cocodataset.org/",
    paper="Lin et al., ECCV 2014",
    layout=_LAYOUT,
    read=_read,
)
