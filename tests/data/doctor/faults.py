"""The faults that a data set can have, planted one at a time in a copy of CamVid."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image

from kerasseg.data import describe
from kerasseg.visualization import colour_map

VOID = 11
BICYCLIST = 10


class Planted(NamedTuple):
    """A fault: how it is planted, what it must be found as, and with which file.

    `also` are further findings that the same fault rightly brings.
    """

    plant: Callable[[Path], str]
    kind: str
    also: tuple[str, ...] = ()


FAULTS: dict[str, Planted] = {}


def fault(kind: str, *also: str):
    """Files a function that plants a fault and returns the path that must be named."""

    def register(plant):
        FAULTS[plant.__name__] = Planted(plant, kind, also)
        return plant

    return register


def image(folder: Path, number: int = 3, split: str = "train") -> Path:
    return sorted((folder / split / "images").iterdir())[number]


def label(folder: Path, number: int = 3, split: str = "train") -> Path:
    return sorted((folder / split / "labels").iterdir())[number]


def shown(path: Path) -> str:
    return "/".join(path.parts[-3:])


def ids_of(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).copy()


def save(path: Path, values: np.ndarray, **options) -> str:
    Image.fromarray(values).save(path, **options)
    return shown(path)


def each_label(folder: Path, split: str):
    return sorted((folder / split / "labels").iterdir())


@fault("image-without-label")
def label_removed(folder):
    label(folder).unlink()
    return shown(image(folder))


@fault("label-without-image")
def image_removed(folder):
    image(folder, 2, "val").unlink()
    return shown(label(folder, 2, "val"))


@fault("stray-file")
def text_among_images(folder):
    path = folder / "train/images/notes.txt"
    path.write_text("taken in May")
    return shown(path)


@fault("stray-file")
def folder_among_labels(folder):
    (folder / "val/labels/old.png").mkdir()
    return "val/labels/old.png"


@fault("unreadable-name")
def name_of_other_bytes(folder):
    shutil.copyfile(
        image(folder), os.fsdecode(os.fsencode(folder / "train/images") + b"/caf\xe9.jpg")
    )
    return r"train/images/caf\xe9.jpg"


@fault("same-stem")
def image_saved_twice(folder):
    twin = image(folder).with_suffix(".png")
    Image.open(image(folder)).save(twin)
    return shown(twin)


@fault("unread-file")
def text_beside_images(folder):
    (folder / "train/licence.txt").write_text("free")
    return "train/licence.txt"


@fault("unread-split")
def split_that_is_not_examined(folder):
    (folder / "test/images").mkdir(parents=True)
    return "test"


@fault("empty-split")
def empty_split(folder):
    for path in (folder / "val").glob("*/*"):
        path.unlink()
    return "val"


@fault("corrupt-image")
def image_of_no_bytes(folder):
    image(folder).write_bytes(b"")
    return shown(image(folder))


@fault("corrupt-image")
def image_cut_in_half(folder):
    contents = image(folder).read_bytes()
    image(folder).write_bytes(contents[: len(contents) // 2])
    return shown(image(folder))


@fault("corrupt-image")
def image_without_its_end(folder):
    image(folder).write_bytes(image(folder).read_bytes()[:-2])
    return shown(image(folder))


@fault("corrupt-image")
def image_that_is_a_text(folder):
    image(folder).write_text("a letter")
    return shown(image(folder))


@fault("corrupt-image")
def tiff_cut_in_half(folder):
    path = image(folder).with_suffix(".tif")
    Image.open(image(folder)).save(path)
    image(folder).unlink()
    path.write_bytes(path.read_bytes()[:5000])
    return shown(path)


@fault("corrupt-label")
def label_of_no_bytes(folder):
    label(folder).write_bytes(b"")
    return shown(label(folder))


@fault("corrupt-label")
def label_cut_in_half(folder):
    contents = label(folder).read_bytes()
    label(folder).write_bytes(contents[: len(contents) // 2])
    return shown(label(folder))


@fault("corrupt-label")
def label_that_is_a_text(folder):
    label(folder).write_text("sky, road, car")
    return shown(label(folder))


@fault("image-format")
def tiff_that_is_called_jpg(folder):
    pixels = Image.open(image(folder)).convert("RGB")
    pixels.save(image(folder), format="TIFF")
    return shown(image(folder))


@fault("label-format")
def jpeg_that_is_called_png(folder):
    Image.open(label(folder)).convert("L").save(label(folder), format="JPEG")
    return shown(label(folder))


@fault("turned-format")
def png_that_exif_turns(folder):
    path = image(folder).with_suffix(".png")
    Image.open(image(folder)).save(path, exif=_orientation(3))
    image(folder).unlink()
    return shown(path)


@fault("rgb-label")
def label_in_colours(folder):
    return save(label(folder), colour_map(ids_of(label(folder)), describe("camvid").labels))


@fault("alpha-label")
def label_with_alpha(folder):
    Image.open(label(folder)).convert("LA").save(label(folder))
    return shown(label(folder))


@fault("size-mismatch")
def label_of_half_the_size(folder):
    return save(label(folder), ids_of(label(folder))[::2, ::2])


@fault("size-mismatch")
def label_one_row_short(folder):
    return save(label(folder, 1, "val"), ids_of(label(folder, 1, "val"))[1:])


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


def _cut_out(folder: Path, height: int, width: int) -> str:
    pixels, ids = np.asarray(Image.open(image(folder))), ids_of(label(folder))
    rows, columns = slice(200, 200 + height), slice(200, 200 + width)
    save(folder / "train/labels/part.png", ids[rows, columns])
    return save(folder / "train/images/part.png", pixels[rows, columns])


@fault("small-image", "sizes-vary")
def image_of_24_rows(folder):
    return _cut_out(folder, 24, 60)


@fault("sizes-vary")
def image_of_40_rows(folder):
    return _cut_out(folder, 40, 60)


@fault("alpha-image")
def image_with_a_transparent_part(folder):
    picture = Image.open(image(folder)).convert("RGBA")
    picture.putalpha(Image.new("L", picture.size, 128))
    return _replace(folder, picture)


@fault("cmyk-image")
def image_in_cmyk(folder):
    Image.open(image(folder)).convert("CMYK").save(image(folder))
    return shown(image(folder))


@fault("sixteen-bit-image")
def image_of_16_bits(folder):
    grey = np.asarray(Image.open(image(folder)).convert("L")).astype(np.uint16) * 257
    return _replace(folder, Image.fromarray(grey))


@fault("palette-label")
def label_with_a_palette(folder):
    picture = Image.fromarray(ids_of(label(folder)), "P")
    picture.putpalette([255, 0, 0] * 12)
    picture.save(label(folder))
    return shown(label(folder))


@fault("sixteen-bit-label")
def label_of_16_bits(folder):
    return save(label(folder), ids_of(label(folder)).astype(np.uint16))


@fault("turned-image")
def photo_turned_by_its_camera(folder):
    picture = Image.open(image(folder))
    picture.save(image(folder), exif=_orientation(6))
    return shown(image(folder))


@fault("orientation-ambiguous")
def photo_upside_down(folder):
    picture = Image.open(image(folder))
    picture.save(image(folder), exif=_orientation(3))
    return shown(image(folder))


def _replace(folder: Path, picture: Image.Image) -> str:
    path = image(folder).with_suffix(".png")
    picture.save(path)
    image(folder).unlink()
    return shown(path)


def _orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    return exif
