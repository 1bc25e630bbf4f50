"""The look at one example, with the decoders that training uses: what is wrong with it."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from kerasseg.data.decoding import decode_image, decode_label, label_of_image, turned_alike
from kerasseg.data.examples import Example, Problem
from kerasseg.data.headers import (
    PNG_COLOURS,
    PNG_SIGNATURE,
    READABLE_FORMATS,
    TURNED_FORMATS,
    Header,
    holds_numbers,
    image_header,
    png_kind,
)
from kerasseg.data.label_encoding import UNKNOWN
from kerasseg.data.picture_file import most_pixels, open_picture
from kerasseg.label_set import LabelSet

_IDS_ARE_MEANT = (
    "the class ids themselves are meant: a PNG of one channel or with a palette. Convert it."
)
_MEANT = {
    "ids": _IDS_ARE_MEANT,
    "numbers": "numbers are meant: a PNG of one channel or with a palette. Convert it.",
    "colours": "the colours of the classes are meant: a PNG. Convert it.",
}


@dataclass(frozen=True)
class Examined:
    """What was found out about an example with which nothing is wrong.

    Attributes:
        size: Height and width of the image as it is to be seen, pixels.
        orientation: That of the camera, 1..8.
        ids: The class ids as the label map stores them, not turned, int32 `(H, W)`.
        values: Those that occur, void among them.
    """

    size: tuple[int, int]
    orientation: int
    ids: np.ndarray
    values: tuple[int, ...]


def examine(example: Example | Problem, labels: LabelSet) -> Examined | Problem:
    """Returns what an example is, or what is wrong with it.

    Args:
        example: Any image and label map, or why they could not be read.
        labels: The classes and the void label that the label map may hold.
    """
    if isinstance(example, Problem):
        return example
    header = _image_header(example)
    if isinstance(header, Problem):
        return header
    if problem := _label_header_problem(example):
        return problem
    image = _decoded(decode_image, example.image)
    if image is None:
        return _cut_short(example.image_place, "its label")
    ids = _decoded(decode_label, example.label, example.encoding)
    if ids is None:
        return _cut_short(example.label_place, "its image")
    if problem := _size_problem(example, image, ids):
        return problem
    values, counts = np.unique(ids, return_counts=True)
    if problem := _value_problem(
        example, ids, dict(zip(values.tolist(), counts.tolist(), strict=True)), labels
    ):
        return problem
    return Examined(image.shape[:2], header.orientation, ids, tuple(values.tolist()))


def upright_ids(example: Example) -> np.ndarray:
    """Returns the class ids of an example, upright, int32 `(H, W)`."""
    with tf.device("CPU"):
        image, label = tf.constant(example.image), tf.constant(example.label)
        return tf.cast(label_of_image(image, label, example.encoding), tf.int32).numpy()


def _decoded(decode: Callable[..., tf.Tensor], contents: bytes, *more: Any) -> np.ndarray | None:
    try:
        with tf.device("CPU"):
            return decode(tf.constant(contents), *more).numpy()
    except tf.errors.InvalidArgumentError:
        return None


def _cut_short(place: str, partner: str) -> Problem:
    message = f"{place} is corrupt or cut short. Restore it or remove it and {partner}."
    return Problem(message, unreadable=True)


def _image_header(example: Example) -> Header | Problem:
    from PIL import Image, UnidentifiedImageError

    place = example.image_place
    try:
        header = image_header(io.BytesIO(example.image))
    except (UnidentifiedImageError, OSError, SyntaxError):
        message = f"{place} is corrupt or no image. Restore it or remove it and its label."
        return Problem(message, unreadable=True)
    except Image.DecompressionBombError:
        return Problem(
            f"{place} has more than {most_pixels():,} pixels, which are not decoded at once. "
            "Cut it into tiles, or make it smaller.",
            unreadable=True,
        )
    if header.format not in READABLE_FORMATS:
        accepted = "accepted is JPEG, PNG, BMP or WebP. Convert it."
        return Problem(f"{place} is {header.format} by its contents; {accepted}")
    if header.fault:
        accepted = "of BMP, grey of 8 bits and RGB of 24 or 32 bits a pixel are read"
        return Problem(f"{place} is {header.fault}; {accepted}. Convert it to PNG.")
    if header.orientation != 1 and header.format not in TURNED_FORMATS:
        return Problem(
            f"{place} is a {header.format} rotated by its EXIF data (orientation "
            f"{header.orientation}), which is honoured in JPEG alone. Rotate the pixels first and "
            "clear the tag."
        )
    return header


def _label_header_problem(example: Example) -> Problem | None:
    place, kind = example.label_place, png_kind(example.label)
    if kind is None and PNG_SIGNATURE.startswith(example.label[: len(PNG_SIGNATURE)]):
        return _cut_short(place, "its image")
    if kind is None:
        return Problem(f"{place} is no PNG by its contents; {_MEANT[example.encoding.kind]}")
    if example.encoding.kind == "colours" or holds_numbers(kind):
        return None
    found = PNG_COLOURS.get(kind[1], "unknown")
    article = "a" if found.startswith("g") else "an"
    return Problem(f"{place} is {article} {found} PNG; {_MEANT[example.encoding.kind]}")


def _size_problem(example: Example, image: np.ndarray, ids: np.ndarray) -> Problem | None:
    with tf.device("CPU"):
        label = turned_alike(tf.constant(ids), tf.constant(example.image)).numpy()
    if image.shape[:2] == label.shape:
        return None
    image_side, label_side = (f"{a.shape[1]}x{a.shape[0]}" for a in (image, label))
    return Problem(
        f"{example.image_place} is {image_side} (width x height) and its label "
        f"{example.label_place} {label_side}; make the sizes equal."
    )


def _value_problem(
    example: Example, ids: np.ndarray, pixels: Mapping[int, int], labels: LabelSet
) -> Problem | None:
    """Returns what is wrong with the values of a label map, of which each has so many pixels."""
    if UNKNOWN in pixels:
        return Problem(
            f"{example.label_place} holds {pixels[UNKNOWN]} pixels of {example.encoding.kind} that "
            f"stand for no class; first {_first_unknown(example, ids)}. Add what they stand for, "
            "or relabel it."
        )
    wrong = [v for v in sorted(pixels) if v >= labels.num_classes and v != labels.ignore_label]
    if not wrong:
        return None
    shown = ", ".join(str(value) for value in wrong[:5]) + (", ..." if len(wrong) > 5 else "")
    return Problem(
        f"{example.label_place} holds the label {shown}; accepted are the classes "
        f"0..{labels.num_classes - 1} and {labels.ignore_label} for void. Relabel it, or correct "
        "the class names or the ignore label.",
        values=tuple(pixels),
    )


def _first_unknown(example: Example, ids: np.ndarray) -> str:
    """Returns what the file stores at the first pixel that the encoding does not know."""
    row, column = np.argwhere(ids == UNKNOWN)[0]
    with open_picture(io.BytesIO(example.label)) as picture:
        shown = picture.convert("RGB") if example.encoding.kind == "colours" else picture
        return f"{shown.getpixel((int(column), int(row)))} at row {row}, column {column}"
