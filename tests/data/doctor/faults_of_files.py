"""Faults of single files, and of files without a partner."""

import os
import shutil
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from kerasseg.data import describe
from kerasseg.visualization import colour_map
from tests.data.doctor.planting import Faults, ids_of, image, into, label, save, shown

FAULTS: Faults = {}
fault = into(FAULTS)


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
    path = _image_as_tiff(folder, Image.open(image(folder)))
    path.write_bytes(path.read_bytes()[:5000])
    return shown(path)


@fault("image-format")
def tiff_of_floats(folder):
    grey = np.asarray(Image.open(image(folder)).convert("L"))
    return shown(_image_as_tiff(folder, Image.fromarray(grey.astype(np.float32))))


@fault("image-format")
def jpeg_that_is_called_tif(folder):
    return shown(image(folder).rename(image(folder).with_suffix(".tif")))


@fault("corrupt-label")
def tiff_of_labels_cut_in_half(folder):
    path = _label_as_tiff(folder, Image.open(label(folder)))
    path.write_bytes(path.read_bytes()[:5000])
    return shown(path)


@fault("label-format")
def tiff_of_labels_in_floats(folder):
    return shown(_label_as_tiff(folder, Image.fromarray(ids_of(label(folder)).astype(np.float32))))


@fault("rgb-label")
def tiff_of_labels_in_colours(folder):
    colours = colour_map(ids_of(label(folder)), describe("camvid").labels)
    return shown(_label_as_tiff(folder, Image.fromarray(colours)))


@fault("rgb-label")
def label_in_colours_beside_a_turned_tiff(folder):
    _image_as_tiff(folder, Image.open(image(folder)), tiffinfo={0x0112: 6})
    return save(label(folder), colour_map(ids_of(label(folder)), describe("camvid").labels))


@fault("turned-image")
def tiff_turned_by_its_camera(folder):
    return shown(_image_as_tiff(folder, Image.open(image(folder)), tiffinfo={0x0112: 6}))


@fault("orientation-ambiguous")
def tiff_upside_down(folder):
    return shown(_image_as_tiff(folder, Image.open(image(folder)), tiffinfo={0x0112: 3}))


@fault("size-mismatch")
def label_of_half_the_size_beside_a_turned_tiff(folder):
    _image_as_tiff(folder, Image.open(image(folder)), tiffinfo={0x0112: 6})
    return save(label(folder), ids_of(label(folder))[::2, ::2])


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


@fault("image-format")
def palette_in_a_bmp(folder):
    pixels = Image.open(image(folder)).quantize(16)
    pixels.save(image(folder), format="BMP")
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


def _image_as_tiff(folder: Path, picture: Image.Image, **options) -> Path:
    return _as_tiff(image(folder), picture, options)


def _label_as_tiff(folder: Path, picture: Image.Image) -> Path:
    return _as_tiff(label(folder), picture, {})


def _as_tiff(old: Path, picture: Image.Image, options) -> Path:
    picture.save(old.with_suffix(".tif"), **options)
    old.unlink()
    return old.with_suffix(".tif")


def _replace(folder: Path, picture: Image.Image) -> str:
    path = image(folder).with_suffix(".png")
    picture.save(path)
    image(folder).unlink()
    return shown(path)


def _orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    return exif
