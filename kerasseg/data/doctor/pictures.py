"""Pictures of the worst pairs: the image beside its label map laid over it."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kerasseg.data.decoding import decode_image, decode_label
from kerasseg.data.doctor.case import Case
from kerasseg.data.doctor.contents import read_contents
from kerasseg.data.doctor.diagnosis import Diagnosis
from kerasseg.data.doctor.findings import Place, shown_path
from kerasseg.data.pair import Pair
from kerasseg.label_set import LabelSet

if TYPE_CHECKING:
    from PIL.Image import Image

_MOST = 20
_MOST_OF_A_KIND = 4
_NOTHING_TO_SEE = {"corrupt-image", "corrupt-label", "unreadable-file"}
_HEIGHT = 180
_WIDEST = 400
_WRONG = (255, 0, 255)
_OPACITY = 0.7
LEGEND = (
    "Each picture shows the image and, beside it, its label map laid over it: the classes in "
    "their colours, void clear, values that are neither class nor void in magenta."
)


@dataclass(frozen=True)
class Picture:
    """A picture in the report.

    Attributes:
        kind: That of the finding, or `"most-void"`.
        caption: Which file, and what is special there.
        jpeg: The encoded picture.
        size: Width and height, pixels.
    """

    kind: str
    caption: str
    jpeg: bytes
    size: tuple[int, int]


def worst_pictures(diagnosis: Diagnosis, case: Case) -> list[Picture]:
    """Returns pictures of the worst pairs, at most 20; a few of each kind, errors first.

    Where there are few findings, the label maps with the most void are shown too. Values that
    are neither a class nor void are magenta. A file that cannot be decoded has no picture.

    Args:
        diagnosis: What was found.
        case: Where.
    """
    pairs = _by_path(case)
    pictures: list[Picture] = []
    for kind, place in _worst(diagnosis):
        if len(pictures) == _MOST:
            break
        if place.path in pairs and (panels := _panels(pairs[place.path], diagnosis.labels)):
            pictures.append(_encoded(kind, place, _row(panels)))
    return pictures


def _by_path(case: Case) -> dict[str, Pair]:
    return {
        shown_path(path, case.root): pair
        for pairs in case.splits.values()
        for pair in pairs
        for path in (case.named(pair).image, case.named(pair).label)
    }


def _worst(diagnosis: Diagnosis) -> Iterator[tuple[str, Place]]:
    for finding in diagnosis.findings:
        if finding.kind not in _NOTHING_TO_SEE:
            yield from ((finding.kind, place) for place in finding.places[:_MOST_OF_A_KIND])
    for split in diagnosis.splits.values():
        yield from (("most-void", place) for place in split.most_void[:2])


def _panels(pair: Pair, labels: LabelSet) -> list["Image"]:
    contents = read_contents(pair, pair)
    image = _decoded(decode_image, contents.image)
    ids = _decoded(decode_label, contents.label, pair.encoding)
    panels = [panel for panel in (image,) if panel is not None]
    if ids is None:
        panels += _colours(contents.label)
    else:
        turned = ids if image is None else contents.turn(tf.constant(ids)).numpy()
        panels.append(_painted(image, turned, labels))
    return [_thumbnail(panel) for panel in panels]


def _decoded(
    decode: Callable[..., tf.Tensor], contents: bytes | None, *more: Any
) -> np.ndarray | None:
    try:
        with tf.device("CPU"):
            return decode(tf.constant(contents), *more).numpy() if contents else None
    except tf.errors.OpError:
        return None


def _colours(contents: bytes | None) -> list[np.ndarray]:
    """Returns a label map as its file looks; none if it cannot be decoded."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(contents or b"")) as picture:
            return [np.asarray(picture.convert("RGB"))]
    except (OSError, SyntaxError, ValueError):
        return []


def _painted(image: np.ndarray | None, ids: np.ndarray, labels: LabelSet) -> np.ndarray:
    """Returns the colours of a label map over its image, or over grey where the sizes differ."""
    from kerasseg.visualization import overlay

    wrong = (ids != labels.ignore_label) & ((ids < 0) | (ids >= labels.num_classes))
    if image is None or image.shape[:2] != ids.shape:
        image = np.full((*ids.shape, 3), 128, np.uint8)
    painted = overlay(image, np.where(wrong, labels.ignore_label, ids), labels, _OPACITY)
    painted[wrong] = _WRONG
    return painted


def _thumbnail(pixels: np.ndarray) -> "Image":
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    scale = min(_HEIGHT / picture.height, _WIDEST / picture.width)
    size = max(1, round(scale * picture.width)), max(1, round(scale * picture.height))
    way = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX
    return picture.resize(size, way)


def _row(panels: list["Image"]) -> "Image":
    from PIL import Image

    width = sum(panel.width for panel in panels) + 4 * (len(panels) - 1)
    row = Image.new("RGB", (width, max(panel.height for panel in panels)), (255, 255, 255))
    left = 0
    for panel in panels:
        row.paste(panel, (left, 0))
        left += panel.width + 4
    return row


def _encoded(kind: str, place: Place, picture: "Image") -> Picture:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=85)
    caption = f"{place.path}: {place.detail}" if place.detail else place.path
    return Picture(kind, caption, stream.getvalue(), picture.size)
