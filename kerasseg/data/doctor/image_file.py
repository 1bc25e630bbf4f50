"""The look at one image file: its header, its pixels, and what training would make of them."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from kerasseg.data.decoding import decode_image
from kerasseg.data.doctor.contents import stored_as
from kerasseg.data.exif import upright
from kerasseg.data.faults import Fault
from kerasseg.data.headers import (
    PNG_COLOURS,
    READABLE_FORMATS,
    TURNED_FORMATS,
    Stored,
    fault_of_bmp,
    orientation_of,
    png_kind,
)
from kerasseg.data.picture_file import open_picture
from kerasseg.errors import first_line

if TYPE_CHECKING:
    from PIL.Image import Image

_SMALL = 32
_MODES = {
    "1": "grey",
    "L": "grey",
    "LA": "grey and alpha",
    "P": "palette",
    "PA": "palette and alpha",
    "RGBA": "RGB and alpha",
    "RGBX": "RGB",
}


@dataclass(frozen=True)
class ImageHeader:
    """What an image file says of itself.

    Attributes:
        format: As Pillow names it: `"JPEG"`.
        kind: Format and colours for people: `"JPEG, RGB"`.
        orientation: That of the camera, 1..8; 1 is upright.
        is_turned: Whether training turns the image by it: in JPEG and TIFF.
        has_transparency: Whether a pixel is less than opaque.
        fault: Why training cannot decode it as it is meant; empty if it can.
    """

    format: str
    kind: str
    orientation: int
    is_turned: bool
    has_transparency: bool
    fault: str = ""


@dataclass(frozen=True)
class ImagePixels:
    """What is kept of the pixels of an image.

    Attributes:
        size: Height and width of the upright image, pixels.
        digest: The same for two images of the same pixels, and for no others.
        sums: Of each channel.
        squares: Sum of the squares of each channel.
    """

    size: tuple[int, int]
    digest: str
    sums: tuple[int, int, int]
    squares: tuple[int, int, int]


@dataclass(frozen=True)
class ImageFile:
    """What was found at an image file; header and pixels are None where they cannot be read."""

    faults: tuple[Fault, ...]
    header: ImageHeader | None = None
    pixels: ImagePixels | None = None


def examine_image(path: Path, contents: bytes, orientation: int = 1) -> ImageFile:
    """Returns what an image file holds, and what is wrong with it.

    Args:
        path: Its name.
        contents: All its bytes; of a TIFF those of the PNG that training reads in its place.
        orientation: That of a TIFF, whose PNG is upright already.
    """
    if not contents:
        return ImageFile((Fault("corrupt-image", path, "empty, 0 bytes"),))
    header = _header(path, contents, orientation)
    if isinstance(header, str):
        return ImageFile((Fault("corrupt-image", path, header),))
    if header.format not in READABLE_FORMATS:
        return ImageFile((Fault("image-format", path, f"{header.format} by its contents"),), header)
    if header.fault:
        return ImageFile((Fault("image-format", path, header.fault),), header)
    try:
        pixels = decode_image(tf.constant(contents), Stored(turned=header.is_turned)).numpy()
        kept = _kept(pixels, _exact(contents, header, pixels))
    except tf.errors.OpError:
        return ImageFile((Fault("corrupt-image", path, "cut short or damaged"),), header)
    return ImageFile(_faults(path, header, kept.size), header, kept)


def _header(path: Path, contents: bytes, of_tiff: int) -> ImageHeader | str:
    """Returns what the file says of itself, or why it says nothing."""
    from PIL import Image, UnidentifiedImageError

    try:
        with open_picture(io.BytesIO(contents)) as picture:
            turned = orientation_of(picture)
            orientation = turned if turned != 1 else of_tiff
            return ImageHeader(
                picture.format or "unknown",
                _kind(path, contents, picture),
                orientation,
                orientation != 1 and (of_tiff != 1 or picture.format in TURNED_FORMATS),
                _has_transparency(picture),
                fault_of_bmp(picture),
            )
    except UnidentifiedImageError:
        return "cut short, or no image"
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return f"cannot be opened: {first_line(error)}"


def _kind(path: Path, contents: bytes, picture: "Image") -> str:
    name = stored_as(path, picture.format)
    stored = png_kind(contents)
    if stored is None:
        return f"{name}, {_MODES.get(picture.mode, picture.mode)}"
    depth, colour = stored
    bits = " of 16 bits" if depth == 16 else ""
    return f"{name}, {PNG_COLOURS.get(colour, 'unknown')}{bits}"


def _has_transparency(picture: "Image") -> bool:
    if picture.mode not in ("LA", "PA", "RGBA") and "transparency" not in picture.info:
        return False
    smallest, _ = picture.convert("RGBA").getchannel("A").getextrema()
    return int(smallest) < 255  # type: ignore[arg-type]


def _faults(path: Path, header: ImageHeader, size: tuple[int, int]) -> tuple[Fault, ...]:
    found = []
    if header.orientation != 1 and not header.is_turned:
        detail = f"{header.format}, orientation {header.orientation}"
        found.append(Fault("turned-format", path, detail))
    if min(size) < _SMALL:
        found.append(Fault("small-image", path, shown_size(size)))
    if header.has_transparency:
        found.append(Fault("alpha-image", path, header.kind))
    if header.kind.endswith("CMYK"):
        found.append(Fault("cmyk-image", path))
    if header.kind.endswith("16 bits"):
        found.append(Fault("sixteen-bit-image", path, header.kind))
    return tuple(found)


def _exact(contents: bytes, header: ImageHeader, pixels: np.ndarray) -> np.ndarray:
    """Returns the pixels as other programs decode them, who may have saved them as a PNG.

    For speed TensorFlow rounds those of a JPEG in another way, unless it is told not to.
    """
    if header.format not in TURNED_FORMATS:
        return pixels
    stored = tf.io.decode_jpeg(contents, channels=3, dct_method="INTEGER_ACCURATE")
    return upright(stored, tf.constant(header.orientation)).numpy()


def _kept(pixels: np.ndarray, exact: np.ndarray) -> ImagePixels:
    size = (int(pixels.shape[0]), int(pixels.shape[1]))
    digest = hashlib.blake2b(exact.tobytes(), digest_size=16)
    digest.update(f"{size}".encode())
    squares = np.square(pixels, dtype=np.uint32)
    return ImagePixels(size, digest.hexdigest(), _channel_sums(pixels), _channel_sums(squares))


def _channel_sums(values: np.ndarray) -> tuple[int, int, int]:
    red, green, blue = (int(total) for total in values.sum(axis=(0, 1), dtype=np.uint64))
    return red, green, blue


def shown_size(size: tuple[int, ...]) -> str:
    """Returns a size as width times height."""
    return f"{size[1]}x{size[0]}"
