"""CamVid in the 11 classes of SegNet; void is 11."""

from pathlib import Path

from kerasseg.data.data_set import DataSet
from kerasseg.data.folder import find_pairs
from kerasseg.data.listing import shown
from kerasseg.data.pair import Pair
from kerasseg.data.sources.tree import files_in, matched, root_of
from kerasseg.errors import KerassegError
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
_SEQUENCES = ("0001TP", "0006R0", "0016E5", "Seq05VD")
_LAYOUT = """\
train/images/0001TP_006690.jpg     or  train/0001TP_006690.png
train/labels/0001TP_006690.png     or  trainannot/0001TP_006690.png
val/, test/ likewise               or  val/, valannot/, test/, testannot/"""


def _read(data_dir: Path, split: str) -> list[Pair]:
    if (data_dir / split / "images").is_dir():
        return _checked(find_pairs(data_dir, split), data_dir)
    needed = (split, f"{split}annot")
    root = root_of(data_dir, f"CamVid ({split}/images and {split}/labels)", needed, ("", "CamVid"))
    images, labels = (root / name for name in needed)
    pairs = matched(files_in(images, ".png"), files_in(labels, ".png"), (images, labels))
    return _checked(pairs, root)


def _checked(pairs: list[Pair], root: Path) -> list[Pair]:
    """Returns the pairs; any folder data set has their layout, and no other their names."""
    if not any(pair.name.startswith(_SEQUENCES) for pair in pairs):
        raise KerassegError(
            f"{root} does not hold CamVid: expected images of its sequences "
            f"{', '.join(_SEQUENCES)}; found {shown(pair.image.name for pair in pairs)}."
        )
    return pairs


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
