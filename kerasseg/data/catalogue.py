"""The data sets that are known by name: their classes, and where their files lie."""

import os
from pathlib import Path

from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import Colour, LabelSet

_CAMVID: dict[str, Colour] = {
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


def names() -> tuple[str, ...]:
    """Returns the names of the data sets in the catalogue.

    A folder of one's own has no entry: `find_pairs` and `load_folder` take its path.

    Example:
        >>> names()
        ('camvid', 'shapes')
    """
    return ("camvid", "shapes")


def describe(name: str) -> LabelSet:
    """Returns the classes, the palette and the void label of a data set of the catalogue.

    Args:
        name: One of `names()`: `"camvid"` (Brostow et al., ECCV 2008, in the 11 classes of
            SegNet; void is 11) or `"shapes"` (generated; void is 255).

    Raises:
        KerassegError: If the catalogue has no such name.

    Example:
        >>> describe("camvid").class_names[:3]
        ('sky', 'building', 'pole')
    """
    if name == "camvid":
        return LabelSet(tuple(_CAMVID), tuple(_CAMVID.values()), ignore_label=11)
    if name == "shapes":
        import kerasseg.data.shapes as shapes

        return shapes.LABELS
    raise unknown_name("data set", name, names())


def locate(name: str, data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Returns the directory that holds a data set of the catalogue; `shapes` is written first.

    Args:
        name: One of `names()`.
        data_dir: The directory; that of `camvid` is not looked into. `shapes` has a default:
            `shapes` in the directory that the environment variable `KERASSEG_HOME` names, or
            else in `~/.cache/kerasseg`.

    Raises:
        KerassegError: If the catalogue has no such name, the data set cannot be generated and
            no directory is given, or the directory holds something else than `shapes`.

    Example:
        >>> locate("camvid", data_dir="data/camvid").as_posix()
        'data/camvid'
    """
    if name not in names():
        raise unknown_name("data set", name, names())
    if name == "shapes":
        import kerasseg.data.shapes as shapes

        return shapes.ensure(_home() / "shapes" if data_dir is None else data_dir)
    if data_dir is None:
        raise KerassegError(
            f"{name} is not part of kerasseg: give data_dir, a directory that holds "
            "train/images, train/labels, val/images and val/labels."
        )
    return Path(data_dir)


def _home() -> Path:
    return Path(os.environ.get("KERASSEG_HOME") or Path.home() / ".cache" / "kerasseg")
