"""Faults of label values, and of many files together."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.doctor.planting import Faults, each_label, ids_of, image, into, label, save, shown

VOID = 11
BICYCLIST = 10

FAULTS: Faults = {}
fault = into(FAULTS)


@fault("binary-mask")
def mask_of_0_and_255(folder):
    return save(label(folder), np.where(ids_of(label(folder)) == 3, 255, 0).astype(np.uint8))


@fault("one-too-high")
def ids_and_void_from_1(folder):
    for split in ("train", "val"):
        for path in each_label(folder, split):
            save(path, ids_of(path) + 1)
    return shown(label(folder))


@fault("one-too-high")
def ids_from_1_with_void_in_its_place(folder):
    for split in ("train", "val"):
        for path in each_label(folder, split):
            save(path, np.minimum(ids_of(path) + 1, VOID).astype(np.uint8))
    return shown(label(folder))


@fault("values-outside")
def ids_of_one_map_from_1(folder):
    return save(label(folder), ids_of(label(folder)) + 1)


@fault("values-outside")
def some_pixels_of_200(folder):
    ids = ids_of(label(folder, 5, "val"))
    ids[7, 9:12] = 200
    return save(label(folder, 5, "val"), ids)


@fault("values-outside")
def void_of_255(folder):
    ids = ids_of(label(folder))
    return save(label(folder), np.where(ids == VOID, 255, ids).astype(np.uint8))


@fault("absent-class")
def no_bicyclist_in_val(folder):
    for path in each_label(folder, "val"):
        ids = ids_of(path)
        save(path, np.where(ids == BICYCLIST, VOID, ids).astype(np.uint8))
    return "val"


@fault("one-class-only", "absent-class")
def nothing_but_road_in_val(folder):
    for path in each_label(folder, "val"):
        save(path, np.full_like(ids_of(path), 3))
    return "val"


@fault("single-class")
def map_of_road_alone(folder):
    return save(label(folder), np.full_like(ids_of(label(folder)), 3))


@fault("all-void")
def map_of_void_alone(folder):
    return save(label(folder), np.full_like(ids_of(label(folder)), VOID))


@fault("much-void")
def void_in_every_other_column_and_row(folder):
    for path in each_label(folder, "train"):
        ids = ids_of(path)
        ids[::2], ids[:, ::2] = VOID, VOID
        save(path, ids)
    return "train"


@fault("duplicate-across-splits")
def image_of_train_in_val(folder):
    Image.open(image(folder)).save(folder / "val/images/new.png")
    shutil.copyfile(label(folder), folder / "val/labels/new.png")
    return "val/images/new.png"


@fault("duplicate-within-split")
def image_twice_in_train(folder):
    shutil.copyfile(image(folder), folder / "train/images/again.jpg")
    shutil.copyfile(label(folder, 4), folder / "train/labels/again.png")
    return shown(image(folder))


@fault("small-image", "sizes-vary")
def image_of_24_rows(folder):
    return _cut_out(folder, 24, 60)


@fault("sizes-vary")
def image_of_40_rows(folder):
    return _cut_out(folder, 40, 60)


def _cut_out(folder: Path, height: int, width: int) -> str:
    pixels, ids = np.asarray(Image.open(image(folder))), ids_of(label(folder))
    rows, columns = slice(200, 200 + height), slice(200, 200 + width)
    save(folder / "train/labels/part.png", ids[rows, columns])
    return save(folder / "train/images/part.png", pixels[rows, columns])
