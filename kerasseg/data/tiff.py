"""TIFF files, which TensorFlow does not decode: their pixels, and pairs with PNG in their place."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kerasseg.data.conversion import Conversion, convert
from kerasseg.data.decoding import decode_label
from kerasseg.data.exif import upright
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.data.pair import Pair
from kerasseg.errors import KerassegError, first_line

SUFFIXES = (".tif", ".tiff")
_WIDTH, _HEIGHT, _BITS, _BANDS, _EXTRA_BANDS = 256, 257, 258, 277, 338  # numbers of TIFF tags
_ALPHA = (1, 2)  # what the tag of extra bands says of one that is alpha
_COLOUR_BANDS = {"CMYK": 4, "RGB": 3, "RGBA": 3, "YCbCr": 3}
_GREY_MODES = ("1", "L", "LA", "P", "PA", "I;16", "I;16B")
_ACCEPTED = "accepted is grey of 8 or 16 bits, a palette, or RGB"


def is_tiff(path: Path) -> bool:
    """Returns whether a file is TIFF by its suffix."""
    return path.suffix.lower() in SUFFIXES


def without_tiff(pairs: Sequence[Pair], progress: bool | None = None) -> list[Pair]:
    """Returns the pairs with converted PNG files in place of TIFF, upright.

    The label map of an image that its camera turned is turned as the image is, unless it fits the
    upright image alone.

    Args:
        pairs: Image and label files.
        progress: As for `convert`.

    Raises:
        KerassegError: If a TIFF is damaged, holds several pictures, or is neither grey of 8 or
            16 bits nor RGB.
    """
    files = [pair.image for pair in pairs if is_tiff(pair.image)]
    with ThreadPoolExecutor() as pool:
        turned = dict(zip(files, pool.map(_orientation, files), strict=True))
    images = _converted("tiff_images", turned, image_pixels, progress)
    maps = [pair.label for pair in pairs if is_tiff(pair.label)]
    labels = _converted("tiff_labels", maps, label_values, progress)
    pairs = [replace(pair, label=labels.get(pair.label, pair.label)) for pair in pairs]
    to_turn = [pair for pair in pairs if turned.get(pair.image, 1) != 1]
    again = _turned_labels(to_turn, turned, progress)
    return [
        replace(pair, image=images.get(pair.image, pair.image), label=again.get(pair, pair.label))
        for pair in pairs
    ]


def image_pixels(path: Path) -> np.ndarray:
    """Returns the upright image: uint8 `(H, W, 3)`, or uint8 or uint16 `(H, W)`."""
    from PIL import ImageOps

    with _opened(path) as picture:
        turned = ImageOps.exif_transpose(picture)
        if turned.mode.startswith("I;16"):
            return np.asarray(turned).astype(np.uint16)
        return np.asarray(turned.convert("L" if turned.mode in ("1", "L", "LA") else "RGB"))


def label_values(path: Path) -> np.ndarray:
    """Returns the upright numbers of a label map, `(H, W)`, or its colours, `(H, W, 3)`."""
    from PIL import ImageOps

    with _opened(path) as picture:
        turned = ImageOps.exif_transpose(picture)
        if turned.mode not in ("1", "L", "P", "RGB") and not turned.mode.startswith("I;16"):
            turned = turned.convert("RGB")
        values = np.asarray(turned)
        return values.astype(np.uint8 if values.dtype.itemsize == 1 else np.uint16)


def _converted(
    kind: str,
    paths: Iterable[Path],
    read: Callable[[Path], np.ndarray],
    progress: bool | None,
) -> dict[Path, Path]:
    conversions = [Conversion(path, path.stem, partial(read, path)) for path in paths]
    return dict(zip(paths, convert(kind, conversions, progress), strict=True))


def _turned_labels(
    pairs: Sequence[Pair], orientations: dict[Path, int], progress: bool | None
) -> dict[Pair, Path]:
    conversions = [
        Conversion(
            pair.label,
            pair.label.stem,
            partial(_turned_label, pair, orientations[pair.image]),
            variant=f"orientation {orientations[pair.image]}",
        )
        for pair in pairs
    ]
    return dict(zip(pairs, convert("turned_labels", conversions, progress), strict=True))


def _turned_label(pair: Pair, orientation: int) -> np.ndarray:
    values = _stored_values(pair.label, pair.encoding)
    with _opened(pair.image) as picture:
        # The size of the picture itself is that of the upright one.
        tags = picture.tag_v2
        as_stored = values.shape[:2] == (tags[_HEIGHT], tags[_WIDTH])
    if not as_stored:
        return values
    with tf.device("CPU"):
        return upright(tf.constant(values), tf.constant(orientation)).numpy()


def _stored_values(path: Path, encoding: LabelEncoding) -> np.ndarray:
    """Returns the numbers that a label map stores, `(H, W)`, or its colours, `(H, W, 3)`."""
    try:
        if encoding.kind == "colours":
            return tf.io.decode_png(path.read_bytes(), channels=3).numpy()
        numbers = decode_label(path.read_bytes()).numpy()
    except tf.errors.InvalidArgumentError:
        raise KerassegError(
            f"{path} cannot be read as a label map in {encoding.kind}: a PNG is meant, of one "
            "channel or with a palette where it holds no colours. Restore or convert it."
        ) from None
    return numbers.astype(np.uint8 if numbers.max(initial=0) < 256 else np.uint16)


def _orientation(path: Path) -> int:
    from PIL import ExifTags

    with _opened(path) as picture:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    return value if value in range(1, 9) else 1


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Gives the picture of a file whose header promises pixels that can be read."""
    from PIL import Image

    try:
        with Image.open(path, formats=["TIFF"]) as picture:
            if problem := _problem(picture):
                raise KerassegError(f"{path} {problem}.")
            yield picture
    except KerassegError:
        raise
    # Pillow's decoder answers a damaged directory with a TypeError.
    except (OSError, SyntaxError, TypeError, ValueError, Image.DecompressionBombError) as error:
        raise KerassegError(
            f"{path} cannot be read as a TIFF ({first_line(error)}): {_ACCEPTED}. Convert it, or "
            "restore it if it is damaged."
        ) from None


def _problem(picture: Any) -> str | None:
    """Returns what is wrong with the header of an open TIFF."""
    if picture.n_frames > 1:
        return f"holds {picture.n_frames} pictures; save the one that is meant as a file of its own"
    tags = picture.tag_v2
    bands, extra = tags.get(_BANDS, 1), tags.get(_EXTRA_BANDS, ())
    bands -= sum(1 for band in extra if band in _ALPHA)
    if bands != _COLOUR_BANDS.get(picture.mode, 1):
        return f"has {bands} bands; {_ACCEPTED}. Write the bands that are meant into a new file"
    if picture.mode not in (*_GREY_MODES, *_COLOUR_BANDS):
        bits = tags.get(_BITS, (1,))[0]
        return f"holds values of {bits} bits ({picture.mode}); {_ACCEPTED}. Convert it"
    return None
