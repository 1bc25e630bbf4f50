"""COCO-Stuff: every pixel of COCO's images in 80 classes of things and 91 of stuff.

The label maps hold 0..181, one less than the number in the list of the data set, of which eleven
have no pixel; 255 is void.
"""

from pathlib import Path

from kerasseg.data.data_set import DataSet
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.data.pair import Pair
from kerasseg.data.sources.coco_stuff_classes import CLASSES, NUM_LISTED, UNUSED
from kerasseg.data.sources.tree import files_in, matched, root_of
from kerasseg.label_set import LabelSet

_USED = [number for number in range(1, NUM_LISTED + 1) if number not in UNUSED]
ENCODING = LabelEncoding(ids={255: 255} | {number - 1: n for n, number in enumerate(_USED)})
"""The way from the values of a stuffthingmap to class ids."""

_LABEL_PLACES = ("annotations", "stuffthingmaps_trainval2017", "stuffthingmaps")
_LAYOUT = """\
images/train2017/000000000009.jpg
annotations/train2017/000000000009.png   (of stuffthingmaps_trainval2017.zip)
images/val2017/000000000139.jpg
annotations/val2017/000000000139.png"""


def _read(data_dir: Path, split: str) -> list[Pair]:
    part = f"{split}2017"
    images = root_of(data_dir, "the images of COCO", (part,), ("images", "")) / part
    labels = root_of(data_dir, "the stuffthingmaps of COCO-Stuff", (part,), _LABEL_PLACES) / part
    return matched(files_in(images, ".jpg"), files_in(labels, ".png"), (images, labels), ENCODING)


DATA_SET = DataSet(
    name="coco_stuff",
    title="COCO-Stuff",
    labels=LabelSet(CLASSES),
    images={"train": 118287, "val": 5000},
    licence="images: Flickr's terms of use; labels: CC BY 4.0",
    homepage="https://github.com/nightrome/cocostuff",
    paper="Caesar et al., CVPR 2018",
    layout=_LAYOUT,
    read=_read,
)
