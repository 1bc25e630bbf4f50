"""Cityscapes in the 19 classes of its benchmark; the other 15 of its 34 numbers are void."""

from pathlib import Path

from kerasseg.data.data_set import DataSet
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.data.pair import Pair
from kerasseg.data.sources.tree import files_in, matched, root_of
from kerasseg.errors import KerassegError
from kerasseg.label_set import Colour, LabelSet

_NUMBERS_IN_FILES = 34
_CLASSES: dict[str, tuple[int, Colour]] = {
    "road": (7, (128, 64, 128)),
    "sidewalk": (8, (244, 35, 232)),
    "building": (11, (70, 70, 70)),
    "wall": (12, (102, 102, 156)),
    "fence": (13, (190, 153, 153)),
    "pole": (17, (153, 153, 153)),
    "traffic light": (19, (250, 170, 30)),
    "traffic sign": (20, (220, 220, 0)),
    "vegetation": (21, (107, 142, 35)),
    "terrain": (22, (152, 251, 152)),
    "sky": (23, (70, 130, 180)),
    "person": (24, (220, 20, 60)),
    "rider": (25, (255, 0, 0)),
    "car": (26, (0, 0, 142)),
    "truck": (27, (0, 0, 70)),
    "bus": (28, (0, 60, 100)),
    "train": (31, (0, 80, 100)),
    "motorcycle": (32, (0, 0, 230)),
    "bicycle": (33, (119, 11, 32)),
}
ENCODING = LabelEncoding(
    ids=dict.fromkeys(range(_NUMBERS_IN_FILES), 255)
    | {number: place for place, (number, _) in enumerate(_CLASSES.values())}
)
"""The way from the numbers of `*_labelIds.png` to class ids."""

_LAYOUT = """\
leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png
gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png
leftImg8bit/val/frankfurt/frankfurt_000000_000294_leftImg8bit.png
gtFine/val/frankfurt/frankfurt_000000_000294_gtFine_labelIds.png"""


def _read(data_dir: Path, split: str) -> list[Pair]:
    root = root_of(data_dir, "Cityscapes", ("leftImg8bit", "gtFine"), ("", "cityscapes"))
    folders = root / "leftImg8bit" / split, root / "gtFine" / split
    images = _in_cities(folders[0], "_leftImg8bit.png")
    labels = _in_cities(folders[1], "_gtFine_labelIds.png")
    return matched(images, labels, folders, ENCODING)


def _in_cities(folder: Path, suffix: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise KerassegError(
            f"{folder} is missing: it holds a folder for each city, with the files *{suffix}. "
            "Unpack the archive of Cityscapes again."
        )
    cities = sorted(path for path in folder.iterdir() if path.is_dir())
    return {name: path for city in cities for name, path in files_in(city, suffix).items()}


DATA_SET = DataSet(
    name="cityscapes",
    title="Cityscapes",
    labels=LabelSet(tuple(_CLASSES), tuple(colour for _, colour in _CLASSES.values())),
    images={"train": 2975, "val": 500},
    licence="its own: not commercial, not to be passed on",
    homepage="https://www.cityscapes-dataset.com/",
    paper="Cordts et al., CVPR 2016",
    layout=_LAYOUT,
    read=_read,
)
