"""What the headers of image and label files tell before anything is decoded."""

import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from kerasseg.data.pair import Pair, refuse_problems
from kerasseg.data.picture_file import open_picture

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

GREY, RGB, PALETTE, GREY_AND_ALPHA = 0, 2, 3, 4
PNG_COLOURS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey and alpha", 6: "RGB and alpha"}
JPEG_FORMATS = {"JPEG", "MPO"}  # MPO: a JPEG with more pictures in it
READABLE_FORMATS = JPEG_FORMATS | {"PNG", "BMP", "WEBP"}
TURNED_FORMATS = JPEG_FORMATS  # those whose orientation the decoder honours
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Stored:
    """How the files of a split are stored, so that a graph decodes no more ways than it must.

    Args:
        turned: Whether a camera's orientation may be other than upright.
        labels: Bit depth and colour type (as PNG numbers them) of the label maps; empty if any
            may come.
        jpeg: Whether every image is a JPEG.
    """

    turned: bool = True
    labels: frozenset[tuple[int, int]] = frozenset()
    jpeg: bool = False


ANY_WAY = Stored()


@dataclass(frozen=True)
class Header:
    """Size of an image as it is to be seen, pixels, orientation of a camera, 1..8, and format.

    `fault` says why TensorFlow does not decode the image as it is meant, if it does not.
    """

    size: tuple[int, int]
    orientation: int
    format: str | None
    fault: str = ""


def image_header(file: Path | BinaryIO) -> Header:
    """Returns the upright size and the orientation of an image file; its pixels are not read.

    Raises:
        OSError: If the file is missing or is no image.
        PIL.Image.DecompressionBombError: If it has more pixels than `most_pixels`.
    """
    with open_picture(file) as picture:
        turned = orientation_of(picture)
        size = (picture.height, picture.width)
        upright = size if turned < 5 else size[::-1]
        return Header(upright, turned, picture.format, fault_of_bmp(picture))


def orientation_of(picture: "Image") -> int:
    """Returns the orientation in the EXIF data of an open picture, 1..8; 1 where there is none."""
    from PIL import ExifTags, Image

    if picture.format in JPEG_FORMATS:
        # As the graph reads it: Pillow's own reader goes on to what XMP says.
        tags = Image.Exif()
        try:
            tags.load(picture.info.get("exif", b""))
        except (SyntaxError, struct.error):
            return 1  # what is broken says nothing, in the graph too
    else:
        tags = picture.getexif()
    turned = tags.get(ExifTags.Base.Orientation, 1)
    return turned if turned in range(1, 9) else 1


def fault_of_bmp(picture: "ImageFile") -> str:
    """Returns why TensorFlow does not decode an open BMP as it is meant; empty if it does.

    Indices of a palette it takes for grey values, and it knows no pixels of 1, 4 or 16 bits.
    """
    if picture.format != "BMP":
        return ""
    codec, *_, pixels = picture.tile[0]
    stored = pixels[0] if isinstance(pixels, tuple) else pixels
    if codec != "raw":
        return "a compressed BMP"
    if picture.mode == "P":
        return "a BMP with a palette"
    bits = {"1": "1 bit", "BGR;15": "16 bits", "BGR;16": "16 bits"}.get(str(stored))
    return f"a BMP of {bits} a pixel" if bits else ""


def image_size(path: Path) -> tuple[int, int]:
    """Returns height and width of an image file as it is to be seen; only its header is read."""
    return image_header(path).size


def label_kind(path: Path) -> tuple[int, int] | None:
    """Returns bit depth and colour type of a PNG, None for a file that is no PNG."""
    with path.open("rb") as stream:
        return png_kind(stream.read(26))


def png_kind(contents: bytes) -> tuple[int, int] | None:
    """Returns bit depth and colour type of an encoded PNG, None for what is no PNG.

    Args:
        contents: The file, or its first 26 bytes.
    """
    if len(contents) < 26 or not contents.startswith(PNG_SIGNATURE):
        return None
    depth, colour = struct.unpack("BB", contents[24:26])
    return depth, colour


def holds_numbers(kind: tuple[int, int]) -> bool:
    """Returns whether a PNG of this bit depth and colour type holds numbers: grey or a palette."""
    return kind[1] in (GREY, PALETTE)


def image_sizes(pairs: Sequence[Pair]) -> list[tuple[int, int]]:
    """Returns the upright size of each image; headers are read in parallel.

    Raises:
        KerassegError: If a file could not be converted.
        OSError: If an image is missing or is none.
    """
    refuse_problems(pairs)
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda pair: image_size(pair.image), pairs))


def stored(pairs: Sequence[Pair]) -> Stored:
    """Returns how the files of the pairs are stored; headers are read in parallel.

    Raises:
        OSError: If a file is missing or an image file is no image.
    """
    with ThreadPoolExecutor() as pool:
        headers = list(pool.map(lambda pair: image_header(pair.image), pairs))
        kinds = set(pool.map(lambda pair: label_kind(pair.label), pairs))
    labels = frozenset(kind for kind in kinds if kind is not None)
    return Stored(
        turned=any(header.orientation != 1 for header in headers),
        labels=labels if None not in kinds else frozenset(),
        jpeg=all(header.format in JPEG_FORMATS for header in headers),
    )
