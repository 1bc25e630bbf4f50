"""The images that a model does worst on: what is there, what it says, and where it errs."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kerasseg.label_set import LabelSet

if TYPE_CHECKING:
    import keras

    from kerasseg.data.streams import Split
    from kerasseg.evaluation.inference.engine import Evaluation
    from kerasseg.evaluation.inference.protocol import Protocol

SHOWN = 6
RIGHT, WRONG, VOID = (222, 230, 238), (200, 45, 40), (0, 0, 0)
_SIDE = 640  # the longer one of a picture
_NAMED_CLASSES = 16


@dataclass(frozen=True)
class WorstImage:
    """An image with its pictures.

    Attributes:
        name: Its file.
        iou: Mean IoU over the classes in its truth or prediction.
        classes: Number and IoU of the classes in it, the largest first.
        pictures: What each shows, its format, and its file.
    """

    name: str
    iou: float
    classes: tuple[tuple[int, float], ...]
    pictures: tuple[tuple[str, str, bytes], ...]


def worst_places(image_iou: np.ndarray, count: int | None = SHOWN) -> np.ndarray:
    """Returns the rows of the lowest scores, the lowest first; images that are all void have none.

    Args:
        image_iou: The score of each image, NaN for none.
        count: How many at most; None for all.

    Example:
        >>> worst_places(np.array([0.5, np.nan, 0.2, 0.9]), 2).tolist()
        [2, 0]
    """
    scored = np.flatnonzero(~np.isnan(image_iou))
    return scored[np.argsort(image_iou[scored], kind="stable")][:count]


def worst_images(
    model: "keras.Model",
    split: "Split",
    labels: LabelSet,
    evaluation: "Evaluation",
    protocol: "Protocol",
) -> list[WorstImage]:
    """Returns the images with the lowest mean IoU, the lowest first.

    Args:
        model: What was evaluated; it sees them once more.
        split: What it was evaluated on.
        labels: The classes.
        evaluation: Its counts of each image.
        protocol: How it was evaluated.
    """
    from kerasseg.data.streams import decoded, examples_at
    from kerasseg.evaluation.inference.engine import predict

    rows = worst_places(evaluation.image_iou)
    found = []
    examples = examples_at(split, evaluation.numbers[rows].tolist())
    for row, example in zip(rows, examples, strict=True):
        image, truth = decoded(example)
        pictures = pictures_of(image, truth, predict(model, image, protocol), labels)
        classes = _classes(evaluation.overlap[row], evaluation.union[row])
        iou = float(evaluation.image_iou[row])
        found.append(WorstImage(example.name, iou, classes, tuple(pictures)))
    return found


def _classes(overlap: np.ndarray, union: np.ndarray) -> tuple[tuple[int, float], ...]:
    largest = np.argsort(-union, kind="stable")[:_NAMED_CLASSES].tolist()
    return tuple((place, float(overlap[place] / union[place])) for place in largest if union[place])


def pictures_of(
    image: np.ndarray, truth: np.ndarray, predicted: np.ndarray, labels: LabelSet
) -> list[tuple[str, str, bytes]]:
    """Returns image, truth, prediction and errors, each with what it shows and its format.

    Args:
        image: RGB, uint8 `(H, W, 3)`.
        truth: Class ids or void, `(H, W)`.
        predicted: Class ids, `(H, W)`.
        labels: The classes, their colours and the void label.

    Example:
        >>> maps = np.zeros((4, 6), int)
        >>> found = pictures_of(np.zeros((4, 6, 3), "uint8"), maps, maps, LabelSet(("a", "b")))
        >>> [name for name, _, _ in found]
        ['image', 'truth', 'prediction', 'errors']
    """
    from kerasseg.visualization import colour_map

    flat = {
        "truth": colour_map(truth, labels),
        "prediction": colour_map(predicted, labels),
        "errors": error_map(truth, predicted, labels.ignore_label),
    }
    drawn = [(name, "png", _encoded(pixels, "PNG")) for name, pixels in flat.items()]
    return [("image", "jpeg", _encoded(image, "JPEG")), *drawn]


def error_map(truth: np.ndarray, predicted: np.ndarray, ignore_label: int) -> np.ndarray:
    """Returns where a prediction is right and where it is wrong, uint8 `(H, W, 3)`.

    Args:
        truth: Class ids or void, `(H, W)`.
        predicted: Class ids, `(H, W)`.
        ignore_label: The label of void pixels.

    Example:
        >>> shown = error_map(np.array([[0, 1, 255]]), np.array([[0, 0, 0]]), 255)
        >>> [tuple(colour) for colour in shown[0].tolist()] == [RIGHT, WRONG, VOID]
        True
    """
    kind = np.where(truth == ignore_label, 2, np.where(truth == predicted, 0, 1))
    return np.array([RIGHT, WRONG, VOID], np.uint8)[kind]


def _encoded(pixels: np.ndarray, kind: str) -> bytes:
    from PIL import Image

    picture = Image.fromarray(pixels)
    size = _size(pixels.shape)
    if size != picture.size:
        # Classes and errors have no colours in between.
        way = Image.Resampling.LANCZOS if kind == "JPEG" else Image.Resampling.NEAREST
        picture = picture.resize(size, way)
    stream = io.BytesIO()
    picture.save(stream, kind, **({"quality": 85} if kind == "JPEG" else {"optimize": True}))
    return stream.getvalue()


def _size(shape: Sequence[int]) -> tuple[int, int]:
    """Returns width and height of a picture, no longer than `_SIDE`."""
    factor = min(1.0, _SIDE / max(shape[:2]))
    return max(1, round(shape[1] * factor)), max(1, round(shape[0] * factor))
