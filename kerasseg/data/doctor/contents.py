"""The bytes of a pair as training decodes them: of a TIFF those of the PNG in its place.

That PNG is made in memory: the doctor only reads, and the TIFF files of a data set may be many.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from kerasseg.data import tiff
from kerasseg.data.decoding import turned_alike
from kerasseg.data.doctor.findings import Fault
from kerasseg.data.pair import Pair
from kerasseg.errors import first_line

Turn = Callable[[tf.Tensor], tf.Tensor]


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


def read_contents(pair: Pair) -> Contents:
    """Returns what the files of a pair hold; each may be unreadable on its own.

    Args:
        pair: An image file and its label map.
    """
    image, image_faults = _read(pair.image, "image", tiff.image_pixels)
    label, label_faults = _read(pair.label, "label", tiff.label_values)
    orientation, turn = _turn(pair.image, image)
    return Contents(image, label, (*image_faults, *label_faults), orientation, turn)


def _read(
    path: Path, role: str, pixels: Callable[[Path], np.ndarray]
) -> tuple[bytes | None, list[Fault]]:
    try:
        return _png(pixels(path)) if tiff.is_tiff(path) else path.read_bytes(), []
    except tiff.TiffError as error:
        kinds = {"corrupt": f"corrupt-{role}", "format": f"{role}-format"}
        return None, [Fault(kinds.get(error.kind, "unreadable-file"), path, error.reason)]
    except OSError as error:
        return None, [Fault("unreadable-file", path, error.strerror or first_line(error))]


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
