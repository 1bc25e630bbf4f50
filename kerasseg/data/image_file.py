"""One image file to pixels, by the decoders of training."""

import io
from pathlib import Path

import numpy as np
import tensorflow as tf

from kerasseg.data import tiff
from kerasseg.data.decoding import decode_image
from kerasseg.data.headers import READABLE_FORMATS, TURNED_FORMATS, image_header
from kerasseg.data.picture_file import most_pixels
from kerasseg.errors import KerassegError, UnreadableError, first_line


def read_image(path: Path) -> np.ndarray:
    """Returns the pixels of an image file, upright, uint8 `(H, W, 3)`; grey becomes three.

    Args:
        path: JPEG, PNG, BMP, WebP or TIFF.

    Raises:
        KerassegError: If the file cannot be read or is of another format.

    Example:
        >>> import tensorflow as tf
        >>> grey = tf.io.encode_png(tf.zeros((4, 6, 1), tf.uint8)).numpy()
        >>> _ = Path("grey.png").write_bytes(grey)
        >>> read_image(Path("grey.png")).shape
        (4, 6, 3)
    """
    if tiff.is_tiff(path):
        return _pixels_of_tiff(path)
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror or error}.") from None
    _check_header(path, contents)
    try:
        with tf.device("CPU"):
            return decode_image(tf.constant(contents)).numpy()
    except tf.errors.InvalidArgumentError:
        raise UnreadableError(f"{path} is corrupt or cut short.") from None


def _check_header(path: Path, contents: bytes) -> None:
    from PIL import Image

    try:
        header = image_header(io.BytesIO(contents))
    except Image.DecompressionBombError:
        raise KerassegError(
            f"{path} has more than {most_pixels():,} pixels, which are not decoded at once: store "
            "it as TIFF, as by gdal_translate, which training.predict reads with --by-windows "
            "--tile 1024."
        ) from None
    except (OSError, SyntaxError):
        raise UnreadableError(f"{path} is corrupt or no image.") from None
    accepted = "accepted is JPEG, PNG, BMP, WebP or TIFF, after the file's suffix. Convert it."
    if header.format not in READABLE_FORMATS:
        raise KerassegError(f"{path} is {header.format} by its contents; {accepted}")
    if header.fault:
        raise KerassegError(f"{path} is {header.fault}, which is not read. Convert it to PNG.")
    if header.orientation != 1 and header.format not in TURNED_FORMATS:
        raise KerassegError(
            f"{path} is a {header.format} rotated by its EXIF data, which is honoured in JPEG "
            "alone. Rotate the pixels first and clear the tag."
        )


def _pixels_of_tiff(path: Path) -> np.ndarray:
    try:
        pixels = tiff.image_pixels(path)
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {first_line(error)}.") from None
    if pixels.ndim == 3:
        return pixels
    with tf.device("CPU"):  # as the PNG that training makes of it is decoded
        png = tf.io.encode_png(tf.constant(pixels[..., np.newaxis]))
        return decode_image(png).numpy()
