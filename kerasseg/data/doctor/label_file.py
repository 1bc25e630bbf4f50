"""The look at one label file: how it stores its values, and which they are."""

import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from kerasseg.data.decoding import decode_label
from kerasseg.data.doctor.contents import DRAWN, Turn, stored_as
from kerasseg.data.faults import Fault
from kerasseg.data.headers import (
    GREY_AND_ALPHA,
    PALETTE,
    PNG_COLOURS,
    Stored,
    holds_numbers,
    png_kind,
)
from kerasseg.data.label_encoding import UNKNOWN
from kerasseg.data.pair import Pair
from kerasseg.data.picture_file import open_picture
from kerasseg.label_set import Colour

_COLOURS_KEPT = 32
_MORE_THAN_CLASSES = 256


@dataclass(frozen=True)
class LabelFile:
    """What was found at a label file.

    Attributes:
        faults: What is wrong with it.
        kind: Format, colours and depth for people: `"PNG, grey of 8 bits"`; empty where unknown.
        size: Height and width, upright as training reads it; None where it cannot be read.
        values: Pixels of each value, `UNKNOWN` for what its encoding leaves out.
        colours: Pixels of each of the commonest colours, where it holds colours instead of ids.
    """

    faults: tuple[Fault, ...]
    kind: str = ""
    size: tuple[int, int] | None = None
    values: tuple[tuple[int, int], ...] = ()
    colours: tuple[tuple[Colour, int], ...] = ()


def examine_label(pair: Pair, contents: bytes, turn: Turn | None = None) -> LabelFile:
    """Returns what a label file holds, and what is wrong with it.

    Args:
        pair: The image file and the label file.
        contents: All bytes of the label file; of a TIFF those of the PNG in its place.
        turn: Turns its class ids as the image is turned; None where that is upright.
    """
    path, stored = pair.label, png_kind(contents)
    if not contents:
        return LabelFile((Fault("corrupt-label", path, "empty, 0 bytes"),))
    if stored is None:
        return LabelFile((_no_png(path, contents),))
    depth, colour = stored
    source = stored_as(path, "PNG")
    kind = f"{source}, {PNG_COLOURS.get(colour, 'unknown')} of {depth} bits"
    if source == DRAWN:
        kind = source
    if pair.encoding.kind != "colours" and not holds_numbers(stored):
        fault = "alpha-label" if colour == GREY_AND_ALPHA else "rgb-label"
        return _in_colours(fault, path, contents, kind)
    known = Stored(labels=frozenset({stored}))
    try:
        ids = decode_label(tf.constant(contents), pair.encoding, known)
        ids = (turn(ids) if turn else ids).numpy()
    except tf.errors.OpError:
        return LabelFile((Fault("corrupt-label", path, "cut short or damaged"),), kind)
    faults = []
    if pair.encoding.kind != "colours" and colour == PALETTE:
        faults.append(Fault("palette-label", path))
    if depth == 16:
        faults.append(Fault("sixteen-bit-label", path))
    return LabelFile(tuple(faults), kind, ids.shape, _values(ids))


def _values(ids: np.ndarray) -> tuple[tuple[int, int], ...]:
    counts = np.bincount(ids.ravel().astype(np.int32) - UNKNOWN)
    return tuple((int(place) + UNKNOWN, int(counts[place])) for place in np.flatnonzero(counts))


def _no_png(path: Path, contents: bytes) -> Fault:
    from PIL import Image, UnidentifiedImageError

    try:
        with open_picture(io.BytesIO(contents)) as picture:
            return Fault("label-format", path, f"{picture.format} by its contents")
    except UnidentifiedImageError:
        return Fault("corrupt-label", path, "cut short, or no image")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return Fault("corrupt-label", path, "cut short or damaged")


def _in_colours(fault: str, path: Path, contents: bytes, kind: str) -> LabelFile:
    try:
        pixels = tf.io.decode_png(tf.constant(contents), channels=3).numpy().astype(np.int32)
    except tf.errors.OpError:
        return LabelFile((Fault("corrupt-label", path, "cut short or damaged"),), kind)
    numbers, counts = np.unique(pixels @ (1 << 16, 1 << 8, 1), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_COLOURS_KEPT]
    colours = tuple((_colour(int(numbers[place])), int(counts[place])) for place in order)
    blended = " (blended, by JPEG or by a resize)" if len(numbers) > _MORE_THAN_CLASSES else ""
    detail = f"{kind}; {len(numbers):,} colours{blended}: {_shown(colours)}"
    size = (pixels.shape[0], pixels.shape[1])
    return LabelFile((Fault(fault, path, detail),), kind, size, (), colours)


def _colour(number: int) -> Colour:
    return number >> 16, number >> 8 & 255, number & 255


def _shown(colours: tuple[tuple[Colour, int], ...], most: int = 4) -> str:
    more = ", ..." if len(colours) > most else ""
    return ", ".join(f"{colour} in {count:,} px" for colour, count in colours[:most]) + more


def all_colours(files: list[LabelFile]) -> dict[Colour, int]:
    """Returns the pixels of each colour in all label maps that hold colours, the commonest first.

    Args:
        files: Any label files.
    """
    total: Counter[Colour] = Counter()
    for file in files:
        total.update(dict(file.colours))
    return dict(total.most_common(_COLOURS_KEPT))
