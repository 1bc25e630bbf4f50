"""CamVid in the 11 classes of SegNet; void is 11."""

from pathlib import Path

from kerasseg.data.data_set import DataSet
from kerasseg.data.folder import find_pairs
from kerasseg.data.pair import Pair
from kerasseg.data.sources.tree import files_in, matched, root_of
from kerasseg.label_set import Colour, LabelSet

_CLASSES: dict[str, Colour] = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (60, 40, 222),
    "tree": (128, 128, 0),
    "sign_symbol": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}
_LAYOUT = """\
train/images/0001TP_006690.jpg     or  train/0001TP_006690.png
train/labels/0001TP_006690.png     or  trainannot/0001TP_006690.png
val/, test/ likewise               or  val/, valannot/, test/, testannot/"""


def _read(data_dir: Path, split: str) -> list[Pair]:
    if (data_dir / split / "images").is_dir():
        return find_pairs(data_dir, split)
    needed = (split, f"{split}annot")
    root = root_of(data_dir, f"CamVid ({split}/images and {split}/labels)", needed, ("", "CamVid"))
    images, labels = (root / name for name in needed)
    return matched(files_in(images, ".png"), files_in(labels, ".png"), (images, labels))


DATA_SET = DataSet(
    name="camvid",
    title="CamVid, 11 classes",
    labels=LabelSet(tuple(_CLASSES), tuple(_CLASSES.values()), ignore_label=11),
    images={"train": 367, "val": 101, "test": 233},
    licence="see its homepage",
    homepage="http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/",
    paper="Brostow et al., ECCV 2008; classes: Badrinarayanan et al., TPAMI 2017",
    layout=_LAYOUT,
    read=_read,
)
