"""The data sets that are known by name, and where their files lie."""

import os
from pathlib import Path

from kerasseg.data import shapes as generated_shapes
from kerasseg.data.data_set import DataSet
from kerasseg.data.home import home
from kerasseg.data.sources import (
    ade20k,
    camvid,
    cityscapes,
    coco_stuff,
    coco_voc,
    nyudv2,
    oxford_iiit_pet,
    pascal_context,
    person_part,
    shapes,
    sun_rgbd,
    voc2012,
)
from kerasseg.errors import KerassegError, unknown_name

_DATA_SETS = {
    data_set.name: data_set
    for data_set in (
        ade20k.DATA_SET,
        camvid.DATA_SET,
        cityscapes.DATA_SET,
        coco_stuff.DATA_SET,
        coco_voc.DATA_SET,
        nyudv2.DATA_SET,
        oxford_iiit_pet.DATA_SET,
        pascal_context.DATA_SET,
        pascal_context.WITH_BACKGROUND,
        person_part.DATA_SET,
        shapes.DATA_SET,
        sun_rgbd.DATA_SET,
        voc2012.DATA_SET,
    )
}


def names() -> tuple[str, ...]:
    """Returns the names of the data sets in the catalogue.

    A folder of one's own has no entry: `find_pairs`, `load_folder` and `load_coco` take its path.

    Example:
        >>> names()[:3]
        ('ade20k', 'camvid', 'cityscapes')
    """
    return tuple(_DATA_SETS)


def describe(name: str) -> DataSet:
    """Returns what the catalogue knows of a data set: classes, splits, licence, layout.

    Args:
        name: One of `names()`.

    Raises:
        KerassegError: If the catalogue has no such name.

    Example:
        >>> describe("camvid").labels.class_names[:3]
        ('sky', 'building', 'pole')
    """
    if name not in _DATA_SETS:
        raise unknown_name("data set", name, names())
    return _DATA_SETS[name]


def locate(name: str, data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Returns the directory that holds a data set of the catalogue; `shapes` is written first.

    Args:
        name: One of `names()`.
        data_dir: The directory, which is not looked into. `shapes` has a default: `shapes` in the
            directory that the environment variable `KERASSEG_HOME` names, or else in
            `~/.cache/kerasseg`.

    Raises:
        KerassegError: If the catalogue has no such name, the data set cannot be generated and
            no directory is given, or the directory holds something else than `shapes`.

    Example:
        >>> locate("camvid", data_dir="data/camvid").as_posix()
        'data/camvid'
    """
    data_set = describe(name)
    if name == "shapes":
        return generated_shapes.ensure(home() / "shapes" if data_dir is None else data_dir)
    if data_dir is None:
        raise KerassegError(
            f"{name} is not part of kerasseg: get it from {data_set.homepage} and give data_dir, "
            "the directory that it was unpacked to (--data-dir on the command line)."
        )
    return Path(data_dir)
