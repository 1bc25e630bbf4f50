"""The look at every file before training, so that no file stops it in the middle."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kerasseg.data.decoding import decode_image, decode_label, label_of_image
from kerasseg.data.folder import Pair
from kerasseg.data.headers import GREY, PALETTE, image_header, label_kind
from kerasseg.data.label_encoding import UNKNOWN
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet

_FORMATS = {"JPEG", "MPO", "PNG", "BMP", "WEBP"}  # MPO: a JPEG with more pictures behind it
_TURNED_FORMATS = {"JPEG", "MPO"}
_IDS_ARE_MEANT = (
    "the class ids themselves are meant: a PNG of one channel or with a palette. Convert it."
)
_MEANT = {
    "ids": _IDS_ARE_MEANT,
    "numbers": "numbers are meant: a PNG of one channel or with a palette. Convert it.",
    "colours": "the colours of the classes are meant: a PNG. Convert it.",
}


def check_pairs(pairs: Sequence[Pair], labels: LabelSet, progress: bool | None = None) -> None:
    """Reads every pair, with the decoders that training uses, and raises for what is wrong.

    Args:
        pairs: Image and label files.
        labels: The classes and the void label that the label maps may hold.
        progress: Whether to show a progress bar on standard error; None: where that is a
            terminal.

    Raises:
        KerassegError: Names the first bad file and what to do, and how many more are bad: an
            image or label that is corrupt, a label map of several channels where ids are meant,
            sizes that differ, a label value that is neither a class nor void.

    Example:
        >>> from kerasseg.data import find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "val")
        >>> check_pairs(pairs, shapes.LABELS)
        >>> check_pairs(pairs, LabelSet(("background",)))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: shapes/val/labels/00000.png holds the label ...
    """
    from tqdm import tqdm

    with ThreadPoolExecutor() as pool:
        results: Iterable[str | None] = pool.map(lambda pair: _problem(pair, labels), pairs)
        bar = tqdm(
            results,
            "checking the files",
            len(pairs),
            unit=" pairs",
            disable=None if progress is None else not progress,
            leave=False,
        )
        problems = [problem for problem in bar if problem]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise KerassegError(problems[0] + more)


def _problem(pair: Pair, labels: LabelSet) -> str | None:
    problem = _image_header_problem(pair.image) or _label_header_problem(pair)
    if problem:
        return problem
    image = _decoded(decode_image, pair.image)
    if image is None:
        return f"{pair.image} is corrupt or cut short. Restore it or remove it and its label."
    if _decoded(decode_label, pair.label, pair.encoding) is None:
        return f"{pair.label} is corrupt or cut short. Restore it or remove it and its image."
    label = read_label(pair)
    return _size_problem(pair, image, label) or _value_problem(pair, label, labels)


def read_label(pair: Pair) -> np.ndarray:
    """Returns the class ids of a pair, upright, int32 `(H, W)`."""
    with tf.device("CPU"):
        image, label = (tf.constant(path.read_bytes()) for path in (pair.image, pair.label))
        return tf.cast(label_of_image(image, label, pair.encoding), tf.int32).numpy()


def _decoded(decode: Callable[..., tf.Tensor], path: Path, *more: Any) -> np.ndarray | None:
    try:
        with tf.device("CPU"):
            return decode(tf.constant(path.read_bytes()), *more).numpy()
    except tf.errors.InvalidArgumentError:
        return None


def _image_header_problem(path: Path) -> str | None:
    from PIL import Image, UnidentifiedImageError

    try:
        header = image_header(path)
        with Image.open(path) as picture:
            kind = picture.format
    except (UnidentifiedImageError, OSError, SyntaxError):
        return f"{path} is corrupt or no image. Restore it or remove it and its label."
    if kind not in _FORMATS:
        return f"{path} is {kind} by its contents; accepted is JPEG, PNG, BMP or WebP. Convert it."
    if header.orientation != 1 and kind not in _TURNED_FORMATS:
        return (
            f"{path} is a {kind} rotated by its EXIF data (orientation {header.orientation}), "
            "which is honoured in JPEG alone. Rotate the pixels first and clear the tag."
        )
    return None


def _label_header_problem(pair: Pair) -> str | None:
    path, kind = pair.label, label_kind(pair.label)
    if kind is None:
        return f"{path} is no PNG by its contents; {_MEANT[pair.encoding.kind]}"
    if pair.encoding.kind == "colours" or kind[1] in (GREY, PALETTE):
        return None
    kinds = {2: "an RGB", 4: "a grey and alpha", 6: "an RGBA"}
    return f"{path} is {kinds.get(kind[1], 'an unknown')} PNG; {_MEANT[pair.encoding.kind]}"


def _size_problem(pair: Pair, image: np.ndarray, label: np.ndarray) -> str | None:
    if image.shape[:2] == label.shape:
        return None
    image_side, label_side = (f"{a.shape[1]}x{a.shape[0]}" for a in (image, label))
    return (
        f"{pair.image} is {image_side} (width x height) and its label {pair.label} {label_side}; "
        "make the sizes equal."
    )


def _value_problem(pair: Pair, label: np.ndarray, labels: LabelSet) -> str | None:
    values, counts = np.unique(label, return_counts=True)
    if values[0] == UNKNOWN:
        return (
            f"{pair.label} holds {counts[0]} pixels of {pair.encoding.kind} that stand for no "
            f"class; first {_first_unknown(pair, label)}. Add what they stand for, or relabel it."
        )
    wrong = [int(v) for v in values if v >= labels.num_classes and v != labels.ignore_label]
    if not wrong:
        return None
    shown = ", ".join(str(value) for value in wrong[:5]) + (", ..." if len(wrong) > 5 else "")
    return (
        f"{pair.label} holds the label {shown}; accepted are the classes "
        f"0..{labels.num_classes - 1} and {labels.ignore_label} for void. Relabel it, or correct "
        "the class names or the ignore label."
    )


def _first_unknown(pair: Pair, label: np.ndarray) -> str:
    """Returns what the file stores at the first pixel that the encoding does not know."""
    from PIL import Image

    row, column = np.argwhere(label == UNKNOWN)[0]
    with Image.open(pair.label) as picture:
        shown = picture.convert("RGB") if pair.encoding.kind == "colours" else picture
        return f"{shown.getpixel((int(column), int(row)))} at row {row}, column {column}"
