"""TIFF with bands of 16 bits as programs for aerial images write it, which Pillow does not read.

They leave three bands without a word that these are red, green and blue, or store one band behind
the other. Pillow refuses the former; of the latter, uncompressed, it makes wrong colours.
"""

import struct
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from kerasseg.data.exif import upright

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _MEANING = 256, 257, 258, 259, 262  # numbers of TIFF tags
_TURNED, _BANDS, _LAYOUT, _EXTRA_BANDS, _KIND = 274, 277, 284, 338, 339
_FIRST_IS_BLACK, _RGB = 1, 2  # the meaning of bands
_BAND_BY_BAND = 2  # their layout
_UNCOMPRESSED = 1
_WHOLE_NUMBERS = 1  # the kind of values
_ALPHA = (1, 2)  # what the tag of extra bands says of one that is alpha


class WideTiff(NamedTuple):
    """What the header of such a file says.

    Attributes:
        turned: Orientation, 1..8.
        size: Height and width as they are stored.
        colours: How many bands there are beside alpha.
    """

    turned: int
    size: tuple[int, int]
    colours: int

    def pixels(self, path: Path) -> np.ndarray:
        """Returns the upright image, the upper 8 of its 16 bits, uint8 `(H, W, 3)`.

        Args:
            path: The file, of three colours.

        Raises:
            ImportError: If rasterio is not installed.
            OSError: If the file is damaged.
        """
        import rasterio
        from rasterio.errors import NotGeoreferencedWarning, RasterioError

        try:
            with warnings.catch_warnings():  # it need not lie on the earth
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                with rasterio.open(path, driver="GTiff") as file:
                    values = np.moveaxis(file.read([1, 2, 3]), 0, -1)
        except RasterioError as error:
            raise OSError(str(error)) from None
        with tf.device("CPU"):
            return upright(
                tf.constant((values >> 8).astype(np.uint8)), tf.constant(self.turned)
            ).numpy()


def wide_tiff(path: Path) -> WideTiff | None:
    """Returns what the header of such a file says; None for others, damaged ones too."""
    tags = _tags(path)
    bands, turned = tags.get(_BANDS, 1), tags.get(_TURNED, 1)
    whole_numbers = set(tags.get(_KIND, (_WHOLE_NUMBERS,))) == {_WHOLE_NUMBERS}
    if bands == 1 or set(tags.get(_BITS, ())) != {16} or not whole_numbers:
        return None
    # Compressed bands are decoded by libtiff, which knows their layout.
    raw = tags.get(_COMPRESSION) == _UNCOMPRESSED and tags.get(_LAYOUT) == _BAND_BY_BAND
    if tags.get(_MEANING) != _FIRST_IS_BLACK and not (tags.get(_MEANING) == _RGB and raw):
        return None
    colours = bands - sum(1 for extra in tags.get(_EXTRA_BANDS, ()) if extra in _ALPHA)
    return WideTiff(turned if turned in range(1, 9) else 1, _size(tags), colours)


def size_in_tags(path: Path) -> tuple[int, int]:
    """Returns height and width of a TIFF as it is stored; 0 where its header does not say."""
    return _size(_tags(path))


def _size(tags: Mapping[int, Any]) -> tuple[int, int]:
    return tags.get(_HEIGHT, 0), tags.get(_WIDTH, 0)


def bands_in_words(path: Path) -> str | None:
    """Returns how many bands a TIFF has and of how many bits; None if its header does not say."""
    tags = _tags(path)
    if _BITS not in tags or _BANDS not in tags:
        return None
    many = "" if tags[_BANDS] == 1 else "s"
    return f"{tags[_BANDS]} band{many} of {', '.join(map(str, sorted(set(tags[_BITS]))))} bits"


def _tags(path: Path) -> dict[int, Any]:
    """Returns the tags of the first picture of a file; none if they cannot be read."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    try:
        with path.open("rb") as file:
            head = file.read(8)
            if head[2] == 43:  # of more than 4 GB
                head += file.read(8)
            tags = ImageFileDirectory_v2(head)
            file.seek(tags.next)
            tags.load(file)
            return dict(tags)
    except (OSError, SyntaxError, TypeError, ValueError, LookupError, struct.error):
        return {}
