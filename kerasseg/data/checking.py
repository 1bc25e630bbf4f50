"""The look at every file before training, so that no file stops it in the middle."""

import struct
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf

from kerasseg.data.folder import Pair
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet

_FORMATS = {"JPEG", "MPO", "PNG", "BMP", "WEBP"}  # MPO: a JPEG with more pictures behind it
_PNG_GREY = 0
_IDS_ARE_MEANT = (
    "the class ids themselves are meant: a single-channel 8- or 16-bit PNG. Convert it."
)


def check_pairs(pairs: Sequence[Pair], labels: LabelSet, progress: bool | None = None) -> None:
    """Reads every pair, with the decoders that training uses, and raises for what is wrong.

    Args:
        pairs: Image and label files.
        labels: The classes and the void label that the label maps may hold.
        progress: Whether to show a progress bar on standard error; None: where that is a
            terminal.

    Raises:
        KerassegError: Names the first bad file and what to do, and how many more are bad: an
            image or label that is corrupt, an image that is rotated by its EXIF data, a label
            map with a palette or of several channels, sizes that differ, a label value that is
            neither a class nor void.

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


def image_size(path: Path) -> tuple[int, int]:
    """Returns height and width of an image file; only its header is read."""
    from PIL import Image

    with Image.open(path) as picture:
        return picture.height, picture.width


def _problem(pair: Pair, labels: LabelSet) -> str | None:
    from kerasseg.data.reading import decode_image, decode_label

    problem = _image_header_problem(pair.image) or _label_header_problem(pair.label)
    if problem:
        return problem
    image = _decoded(decode_image, pair.image)
    if image is None:
        return f"{pair.image} is corrupt or cut short. Restore it or remove it and its label."
    label = _decoded(decode_label, pair.label)
    if label is None:
        return f"{pair.label} is corrupt or cut short. Restore it or remove it and its image."
    return _size_problem(pair, image, label) or _value_problem(pair.label, label, labels)


def _decoded(decode: "tf.types.experimental.PolymorphicFunction", path: Path) -> np.ndarray | None:
    try:
        with tf.device("CPU"):
            return decode(tf.constant(path.read_bytes())).numpy()
    except tf.errors.InvalidArgumentError:
        return None


def _image_header_problem(path: Path) -> str | None:
    from PIL import ExifTags, Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
            kind = picture.format
    except (UnidentifiedImageError, OSError, SyntaxError):
        return f"{path} is corrupt or no image. Restore it or remove it and its label."
    if kind not in _FORMATS:
        return f"{path} is {kind} by its contents; accepted is JPEG, PNG, BMP or WebP. Convert it."
    if orientation not in (0, 1):
        return (
            f"{path} is rotated by its EXIF data (orientation {orientation}), which the decoder "
            "leaves out. Rotate the pixels first and clear the tag."
        )
    return None


def _label_header_problem(path: Path) -> str | None:
    with path.open("rb") as stream:
        head = stream.read(26)
    if len(head) < 26 or not head.startswith(b"\x89PNG\r\n\x1a\n"):
        return f"{path} is no PNG by its contents; {_IDS_ARE_MEANT}"
    depth, colour = struct.unpack("BB", head[24:26])
    kinds = {2: "an RGB", 3: "a palette", 4: "a grey and alpha", 6: "an RGBA"}
    if colour != _PNG_GREY:
        return f"{path} is {kinds.get(colour, 'an unknown')} PNG; {_IDS_ARE_MEANT}"
    if depth not in (8, 16):
        return f"{path} is a {depth}-bit PNG; {_IDS_ARE_MEANT}"
    return None


def _size_problem(pair: Pair, image: np.ndarray, label: np.ndarray) -> str | None:
    if image.shape[:2] == label.shape:
        return None
    image_side, label_side = (f"{a.shape[1]}x{a.shape[0]}" for a in (image, label))
    return (
        f"{pair.image} is {image_side} (width x height) and its label {pair.label} {label_side}; "
        "make the sizes equal."
    )


def _value_problem(path: Path, label: np.ndarray, labels: LabelSet) -> str | None:
    values = np.flatnonzero(np.bincount(label.ravel()))
    wrong = [int(v) for v in values if v >= labels.num_classes and v != labels.ignore_label]
    if not wrong:
        return None
    shown = ", ".join(str(value) for value in wrong[:5]) + (", ..." if len(wrong) > 5 else "")
    return (
        f"{path} holds the label {shown}; accepted are the classes 0..{labels.num_classes - 1} "
        f"and {labels.ignore_label} for void. Relabel it, or correct the class names or the "
        "ignore label."
    )
