"""The look at one pair of files, by the decoders that training uses."""

from dataclasses import dataclass

import tensorflow as tf

from kerasseg.data import tiff
from kerasseg.data.doctor.findings import Fault
from kerasseg.data.doctor.image_file import ImageFile, examine_image, shown_size
from kerasseg.data.doctor.label_file import LabelFile, examine_label
from kerasseg.data.examples import Example, load_example
from kerasseg.data.pair import Pair
from kerasseg.errors import KerassegError, first_line

_SIDES_SWAPPED = range(5, 9)


@dataclass(frozen=True)
class Examination:
    """What was found at an image, at its label map, and between the two."""

    pair: Pair
    image: ImageFile
    label: LabelFile
    faults: tuple[Fault, ...]

    @property
    def values(self) -> dict[int, int]:
        """Pixels of each value of the label map."""
        return dict(self.label.values)


def examine(pair: Pair) -> Examination:
    """Reads a pair and returns what is in it; the pixels themselves are not kept.

    Args:
        pair: An image file and its label map.
    """
    contents = _contents(pair)
    if isinstance(contents, Fault):
        return Examination(pair, ImageFile(()), LabelFile(()), (contents,))
    with tf.device("CPU"):
        image = examine_image(pair.image, contents.image)
        is_turned = image.pixels is not None and _turn(image) != 1
        label = examine_label(pair, contents.image, contents.label, is_turned)
    faults = (*image.faults, *label.faults, *_between(pair, image, label))
    return Examination(pair, image, label, faults)


def as_read(pair: Pair) -> Pair:
    """Returns the files that training reads in place of a pair: PNG for TIFF.

    Raises:
        KerassegError: If a TIFF cannot be converted.
    """
    is_converted = tiff.is_tiff(pair.image) or tiff.is_tiff(pair.label)
    return tiff.without_tiff([pair], progress=False)[0] if is_converted else pair


def _contents(pair: Pair) -> Example | Fault:
    try:
        read = as_read(pair)
        return _unconverted(pair, read.problem.message) if read.problem else load_example(read)
    except OSError as error:
        path = pair.label if error.filename == str(pair.label) else pair.image
        return Fault("unreadable-file", path, error.strerror or first_line(error))
    except KerassegError as error:
        return _unconverted(pair, first_line(error))


def _unconverted(pair: Pair, said: str) -> Fault:
    """Returns the fault of a file that could not be converted."""
    path = pair.label if said.startswith(str(pair.label)) else pair.image
    kind = "corrupt-label" if path == pair.label else "corrupt-image"
    return Fault(kind, path, said.removeprefix(f"{path} "))


def _turn(image: ImageFile) -> int:
    """Returns the orientation that training turns an image by; 1 is upright."""
    return image.header.orientation if image.header and image.header.is_turned else 1


def _between(pair: Pair, image: ImageFile, label: LabelFile) -> list[Fault]:
    """Returns what is wrong between an image and its label map, as far as both can be read."""
    if image.pixels is None or label.size is None:
        return []
    size, turn = image.pixels.size, _turn(image)
    if label.colours and turn != 1:
        return []  # Colours are not turned, since training does not read them.
    if size != label.size:
        detail = f"{shown_size(label.size)}, and {pair.image.name} is {shown_size(size)}"
        return [Fault("size-mismatch", pair.label, detail)]
    if turn == 1:
        return []
    fits_both_ways = turn not in _SIDES_SWAPPED or size[0] == size[1]
    kind = "orientation-ambiguous" if fits_both_ways else "turned-image"
    return [Fault(kind, pair.image, f"orientation {turn}")]
