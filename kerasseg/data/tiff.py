"""TIFF files, which TensorFlow does not decode: their pixels, and pairs with PNG in their place."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from kerasseg.data.conversion import Conversion, Converted, convert
from kerasseg.data.decoding import decode_label
from kerasseg.data.exif import upright
from kerasseg.data.headers import GREY, PALETTE, label_kind
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.data.pair import Pair
from kerasseg.data.picture_file import format_of, most_pixels, open_picture
from kerasseg.data.tiff_errors import TiffError, UnreadableTiffError
from kerasseg.data.wide_tiff import WideTiff, bands_in_words, size_in_tags, wide_tiff
from kerasseg.errors import KerassegError, UnreadableError, first_line

SUFFIXES = (".tif", ".tiff")
_WIDTH, _HEIGHT, _BITS, _BANDS, _EXTRA_BANDS = 256, 257, 258, 277, 338  # numbers of TIFF tags
_ALPHA = (1, 2)  # what the tag of extra bands says of one that is alpha
_COLOUR_BANDS = {"CMYK": 4, "RGB": 3, "RGBA": 3, "YCbCr": 3}
_GREY_MODES = ("1", "L", "LA", "P", "PA", "I;16", "I;16B")
_ACCEPTED = "accepted is grey or RGB of 8 or 16 bits, or a palette"
_WRITE_BANDS = "Write the bands that are meant into a new file, as by gdal_translate -b 1 -b 2 -b 3"


class StoredTiff(NamedTuple):
    """Orientation of a TIFF, 1..8, and height and width as it is stored."""

    turned: int
    size: tuple[int, int]

    def turned_alike(self, values: tf.Tensor) -> tf.Tensor:
        """Returns a label map turned as the image is, if it is of the size of the stored one.

        Args:
            values: As the label map stores them, `(H, W)` or `(H, W, 3)`.
        """
        if values.shape[:2] != self.size:
            return values
        return upright(values, tf.constant(self.turned))


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
        KerassegError: If a TIFF holds several pictures, or is neither grey of 8 or 16 bits nor
            RGB. Of one that is damaged the pair has the problem.
    """
    files = [pair.image for pair in pairs if is_tiff(pair.image)]
    with ThreadPoolExecutor() as pool:
        stored = dict(zip(files, pool.map(_stored, files), strict=True))
    images = _converted("tiff_images", stored, image_pixels, progress)
    maps = [pair.label for pair in pairs if is_tiff(pair.label)]
    labels = _converted("tiff_labels", maps, label_values, progress)
    pairs = [_with_label(pair, labels.get(pair.label)) for pair in pairs]
    to_turn = [pair for pair in pairs if pair.image in stored and stored[pair.image].turned != 1]
    again = _turned_labels([pair for pair in to_turn if not pair.problem], stored, progress)
    pairs = [_with_label(pair, again.get(pair)) for pair in pairs]
    return [_with_image(pair, images.get(pair.image)) for pair in pairs]


def _with_label(pair: Pair, label: Converted | None) -> Pair:
    if label is None:
        return pair
    return replace(pair, label=label.path, problem=pair.problem or label.problem)


def _with_image(pair: Pair, image: Converted | None) -> Pair:
    if image is None:
        return pair
    return replace(pair, image=image.path, problem=image.problem or pair.problem)


def image_pixels(path: Path) -> np.ndarray:
    """Returns the upright image: uint8 `(H, W, 3)`, or uint8 or uint16 `(H, W)`.

    Raises:
        TiffError: If it cannot be read.
    """
    from PIL import ImageOps

    wide = wide_tiff(path)
    if wide is not None and wide.colours == 3:
        return _wide_pixels(path, wide)
    with _opened(path) as picture:
        turned = ImageOps.exif_transpose(picture)
        if turned.mode.startswith("I;16"):
            return np.asarray(turned).astype(np.uint16)
        return np.asarray(turned.convert("L" if turned.mode in ("1", "L", "LA") else "RGB"))


def _wide_pixels(path: Path, wide: WideTiff) -> np.ndarray:
    try:
        return wide.pixels(path)
    except ImportError:
        reason = "has colours of 16 bits that are not stored as RGB, pixel by pixel"
        raise TiffError(
            path,
            "format",
            reason,
            f'{path} {reason}, for which rasterio is needed: pip install "kerasseg[geotiff]". Or '
            "convert it, as by gdal_translate -co PHOTOMETRIC=RGB -co INTERLEAVE=PIXEL.",
        ) from None
    except OSError as error:
        raise _unusable(path, error) from None


def label_values(path: Path) -> np.ndarray:
    """Returns the upright numbers of a label map, `(H, W)`, or its colours, `(H, W, 3)`.

    Raises:
        TiffError: If it cannot be read.
    """
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
) -> dict[Path, Converted]:
    conversions = [
        # What Pillow had made of these before is not used again.
        Conversion(path, path.stem, partial(read, path), "wide" if wide_tiff(path) else "")
        for path in paths
    ]
    return dict(zip(paths, convert(kind, conversions, progress), strict=True))


def _turned_labels(
    pairs: Sequence[Pair], stored: Mapping[Path, StoredTiff], progress: bool | None
) -> dict[Pair, Converted]:
    conversions = [
        Conversion(
            pair.label,
            pair.label.stem,
            partial(_turned_label, pair, stored[pair.image]),
            variant=f"{pair.encoding.kind} {stored[pair.image]}",
        )
        for pair in pairs
    ]
    return dict(zip(pairs, convert("turned_labels", conversions, progress), strict=True))


def _turned_label(pair: Pair, image: StoredTiff) -> np.ndarray:
    values = _stored_values(pair.label, pair.encoding)
    with tf.device("CPU"):
        return image.turned_alike(tf.constant(values)).numpy()


def _stored_values(path: Path, encoding: LabelEncoding) -> np.ndarray:
    """Returns the numbers that a label map stores, `(H, W)`, or its colours, `(H, W, 3)`."""
    try:
        if encoding.kind == "colours":
            return tf.io.decode_png(path.read_bytes(), channels=3).numpy()
        numbers = decode_label(path.read_bytes()).numpy()
    except tf.errors.InvalidArgumentError:
        kind = label_kind(path)
        damaged = kind is not None and (encoding.kind == "colours" or kind[1] in (GREY, PALETTE))
        raise (UnreadableError if damaged else KerassegError)(
            f"{path} cannot be read as a label map in {encoding.kind}: a PNG is meant, of one "
            "channel or with a palette where it holds no colours. Restore or convert it."
        ) from None
    return numbers.astype(np.uint8 if numbers.max(initial=0) < 256 else np.uint16)


def stored_tiff(path: Path) -> StoredTiff:
    """Returns how a TIFF is stored.

    Raises:
        TiffError: If it cannot be read.
    """
    from PIL import ExifTags

    wide = wide_tiff(path)
    if wide is not None:
        return StoredTiff(wide.turned, wide.size)
    with _opened(path) as picture:
        # The size of the picture itself is that of the upright one.
        tags, value = picture.tag_v2, picture.getexif().get(ExifTags.Base.Orientation, 1)
        return StoredTiff(value if value in range(1, 9) else 1, (tags[_HEIGHT], tags[_WIDTH]))


def _stored(path: Path) -> StoredTiff:
    try:
        return stored_tiff(path)
    except UnreadableError:
        return StoredTiff(1, (0, 0))  # its conversion says why


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Gives the picture of a file whose header promises pixels that can be read."""
    from PIL import Image, UnidentifiedImageError

    if wide_tiff(path) is not None:
        reason = f"has {bands_in_words(path)}"
        raise TiffError(path, "format", reason, f"{path} {reason}; {_ACCEPTED}. {_WRITE_BANDS}.")
    try:
        with open_picture(path, ["TIFF"]) as picture:
            if problem := _problem(picture):
                reason, _, _ = problem.partition("; ")
                raise TiffError(path, "format", reason, f"{path} {problem}.")
            yield picture
    except TiffError:
        raise
    except UnidentifiedImageError as error:
        raise _unusable(path, error, format_of(path)) from None
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    # Pillow's decoder answers a damaged directory with a TypeError.
    except (OSError, SyntaxError, TypeError, ValueError) as error:
        raise _unusable(path, error) from None


def _too_large(path: Path) -> TiffError:
    height, width = size_in_tags(path)
    reason = f"has {width:,} x {height:,} pixels, and at most {most_pixels():,} are read at once"
    return UnreadableTiffError(
        path,
        "large",
        reason,
        f"{path} {reason}. training.predict reads it with --by-windows --tile 1024; for anything "
        "else cut it into tiles, as by gdal_retile.py.",
    )


def _unusable(path: Path, error: Exception, other_format: str | None = None) -> TiffError:
    from PIL import UnidentifiedImageError

    # Only what the system refuses has a number; Pillow's own errors are about the contents.
    if isinstance(error, OSError) and error.errno is not None:
        reason = error.strerror or first_line(error)
        message = f"{path} cannot be read: {reason}. Restore it, or give the right to read it."
        return UnreadableTiffError(path, "unreadable", reason, message)
    in_words = bands_in_words(path) if isinstance(error, UnidentifiedImageError) else None
    reason = f"{other_format} by its contents" if other_format else in_words or first_line(error)
    message = (
        f"{path} cannot be read as a TIFF ({reason}): {_ACCEPTED}. Convert it, or restore it if "
        "it is damaged."
    )
    if other_format:
        return TiffError(path, "format", reason, message)
    return UnreadableTiffError(path, "corrupt", reason, message)


def _problem(picture: Any) -> str | None:
    """Returns what is wrong with the header of an open TIFF."""
    if picture.n_frames > 1:
        return f"holds {picture.n_frames} pictures; save the one that is meant as a file of its own"
    tags = picture.tag_v2
    bands, extra = tags.get(_BANDS, 1), tags.get(_EXTRA_BANDS, ())
    bands -= sum(1 for band in extra if band in _ALPHA)
    if bands != _COLOUR_BANDS.get(picture.mode, 1):
        return f"has {bands} bands; {_ACCEPTED}. {_WRITE_BANDS}"
    if picture.mode not in (*_GREY_MODES, *_COLOUR_BANDS):
        bits = tags.get(_BITS, (1,))[0]
        return f"holds values of {bits} bits ({picture.mode}); {_ACCEPTED}. Convert it"
    return None
