"""ADE20K in the 150 classes of SceneParse150; 0 in its label maps is everything else: void."""

from pathlib import Path

from kerasseg.data.data_set import DataSet
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.data.pair import Pair
from kerasseg.data.sources.ade20k_classes import CLASSES, PALETTE
from kerasseg.data.sources.tree import files_in, matched, root_of
from kerasseg.label_set import LabelSet

_ENCODING = LabelEncoding(ids={0: 255} | {number: number - 1 for number in range(1, 151)})
_FOLDERS = {"train": "training", "val": "validation"}
_LAYOUT = """\
ADEChallengeData2016/images/training/ADE_train_00000001.jpg
ADEChallengeData2016/annotations/training/ADE_train_00000001.png
ADEChallengeData2016/images/validation/ADE_val_00000001.jpg
ADEChallengeData2016/annotations/validation/ADE_val_00000001.png"""


def _read(data_dir: Path, split: str) -> list[Pair]:
    needed = ("images/training", "annotations/training")
    root = root_of(data_dir, "ADE20K (SceneParse150)", needed, ("", "ADEChallengeData2016"))
    images, labels = (root / kind / _FOLDERS[split] for kind in ("images", "annotations"))
    return matched(files_in(images, ".jpg"), files_in(labels, ".png"), (images, labels), _ENCODING)


DATA_SET = DataSet(
    name="ade20k",
    title="ADE20K (SceneParse150)",
    labels=LabelSet(CLASSES, PALETTE),
    images={"train": 20210, "val": 2000},
    licence="images: research and teaching, not commercial; labels: BSD 3-Clause",
    homepage="http://sceneparsing.csail.mit.edu/",
    paper="Zhou et al., CVPR 2017",
    layout=_LAYOUT,
    read=_read,
)
