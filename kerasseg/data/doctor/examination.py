"""The look at one pair of files, by the decoders that training uses."""

from dataclasses import dataclass

import tensorflow as tf

from kerasseg.data.doctor.contents import read_contents
from kerasseg.data.doctor.image_file import ImageFile, examine_image, shown_size
from kerasseg.data.doctor.label_file import LabelFile, examine_label
from kerasseg.data.faults import Fault
from kerasseg.data.pair import Pair

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


def examine_pair(files: Pair, named: Pair | None = None) -> Examination:
    """Reads a pair and returns what is in it; the pixels themselves are not kept.

    Args:
        files: An image file and its label map.
        named: What they are called, where they were converted from other files.
    """
    pair = named or files
    contents = read_contents(files, pair)
    with tf.device("CPU"):
        image, label = ImageFile(()), LabelFile(())
        if contents.image is not None:
            image = examine_image(pair.image, contents.image, contents.orientation)
        if contents.label is not None:
            is_turned = image.pixels is not None and _turn(image) != 1
            label = examine_label(pair, contents.label, contents.turn if is_turned else None)
    faults = contents.faults + image.faults + label.faults + tuple(_between(pair, image, label))
    return Examination(pair, image, label, faults)


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
