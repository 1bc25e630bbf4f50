"""The bytes of a pair as training decodes them: of a TIFF those of the PNG in its place.

That PNG is made in memory: the doctor only reads, and the TIFF files of a data set may be many.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from kerasseg.data import tiff
from kerasseg.data.decoding import turned_alike
from kerasseg.data.faults import Fault
from kerasseg.data.pair import Pair
from kerasseg.data.tiff_errors import TiffError
from kerasseg.errors import first_line

Turn = Callable[[tf.Tensor], tf.Tensor]
DRAWN = "annotations"
_CONVERTED = {"tif": "TIFF", "tiff": "TIFF", "mat": "MATLAB", "json": DRAWN}


@dataclass(frozen=True)
class Contents:
    """What two files hold.

    Attributes:
        image: All bytes of the image; None where they cannot be read.
        label: All bytes of the label map as it is stored; None where they cannot be read.
        faults: Why they cannot.
        orientation: That of a TIFF, 1..8, by which `image` is turned already; 1 for any other.
        turn: Turns class ids as the image is turned, if they are of the size of the stored one.
    """

    image: bytes | None
    label: bytes | None
    faults: tuple[Fault, ...]
    orientation: int
    turn: Turn


def read_contents(files: Pair, named: Pair) -> Contents:
    """Returns what the files of a pair hold; each may be unreadable on its own.

    Args:
        files: An image file and its label map.
        named: What faults call them.
    """
    if files.problem:
        fault = Fault("unconvertible-file", named.image, files.problem.message)
        return Contents(None, None, (fault,), 1, tf.identity)
    image, of_image = _read(files.image, "image", tiff.image_pixels)
    label, of_label = _read(files.label, "label", tiff.label_values)
    faults = [Fault(kind, named.image, why) for kind, why in of_image]
    faults += [Fault(kind, named.label, why) for kind, why in of_label]
    orientation, turn = _turn(files.image, image)
    return Contents(image, label, tuple(faults), orientation, turn)


def _read(
    path: Path, role: str, pixels: Callable[[Path], np.ndarray]
) -> tuple[bytes | None, list[tuple[str, str]]]:
    """Returns the bytes of a file, and kind and detail of what is wrong with it."""
    try:
        return _png(pixels(path)) if tiff.is_tiff(path) else path.read_bytes(), []
    except TiffError as error:
        corrupt = f"corrupt-{role}"
        kinds = {"corrupt": corrupt, "large": corrupt, "format": f"{role}-format"}
        return None, [(kinds.get(error.kind, "unreadable-file"), error.reason)]
    except OSError as error:
        return None, [("unreadable-file", error.strerror or first_line(error))]


def stored_as(path: Path, otherwise: str | None) -> str | None:
    """Returns what the pixels of a converted file were stored as, by the name of its source."""
    found = re.search(r"\.(\w+)( \[.*\])?$", str(path))
    return _CONVERTED.get(found[1].lower(), otherwise) if found else otherwise


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _turn(path: Path, image: bytes | None) -> tuple[int, Turn]:
    if image is None:
        return 1, tf.identity
    if not tiff.is_tiff(path):
        return 1, partial(turned_alike, image=tf.constant(image))
    stored = tiff.stored_tiff(path)
    return stored.turned, stored.turned_alike
