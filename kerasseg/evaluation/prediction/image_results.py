"""What is found in one image, and the files of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from kerasseg.data import tiff
from kerasseg.data.image_file import read_image
from kerasseg.errors import KerassegError, first_line
from kerasseg.evaluation.inference.memory import OUT_OF_MEMORY, tile_remedy
from kerasseg.evaluation.inference.predictor import Predictor
from kerasseg.evaluation.inference.windows import place_on_earth, predict_raster, raster_classes
from kerasseg.evaluation.prediction.inputs import Input
from kerasseg.evaluation.prediction.outputs import Outputs
from kerasseg.evaluation.prediction.polygon_files import write_coco, write_geojson
from kerasseg.files import atomic_file
from kerasseg.label_set import LabelSet

if TYPE_CHECKING:
    from PIL.Image import Image


class Found(NamedTuple):
    """An image, its classes, and what else is to be written.

    Attributes:
        pixels: uint8 `(H, W, 3)`.
        classes: uint8 or uint16 `(H, W)`.
        probabilities: float32 `(H, W, C)`, if they are to be written.
        place: Where on the earth it lies, if polygons are to say so.
    """

    pixels: np.ndarray
    classes: np.ndarray
    probabilities: np.ndarray | None = None
    place: dict[str, Any] | None = None


def predict_image(predictor: Predictor, image: Input, outputs: Outputs) -> str | None:
    """Predicts one image and writes what is wanted of it.

    Args:
        predictor: The model under a protocol.
        image: The file.
        outputs: What is to be written.

    Returns:
        Why the image could not be predicted; None if it was.

    Raises:
        KerassegError: If the disk is full or the place must not be written to.
    """
    pixels = pixels_of(image, outputs)
    found = pixels if isinstance(pixels, str) else found_in(predictor, image, pixels, outputs)
    if isinstance(found, str):
        return found
    write_results(image, found, outputs)
    return None


def pixels_of(image: Input, outputs: Outputs) -> np.ndarray | str | None:
    """Returns the pixels of an image, why there are none, or None if it is read by windows.

    Args:
        image: The file.
        outputs: What is to be written.
    """
    if outputs.windowed(image):
        return None
    try:
        return read_image(image.path)
    except KerassegError as error:
        return str(error)


def found_in(
    predictor: Predictor, image: Input, pixels: np.ndarray | None, outputs: Outputs
) -> Found | str | None:
    """Returns what is found in an image, what went wrong, or None if its result is written.

    Args:
        predictor: The model under a protocol.
        image: The file.
        pixels: uint8 `(H, W, 3)`; None for a raster that is read and written by windows.
        outputs: What is to be written.

    Raises:
        KerassegError: If the disk is full or the place must not be written to.
    """
    try:
        if pixels is None:
            _predict_by_windows(predictor, image, outputs)
            return None
        place = None
        if outputs.polygons == "geojson" and tiff.is_tiff(image.path):
            place = place_on_earth(image.path)
        if not outputs.probabilities:
            classes = predictor.classes(pixels[np.newaxis])[0]
            return Found(pixels, classes.astype(predictor.class_dtype), place=place)
        probabilities = predictor.probabilities(pixels[np.newaxis])[0]
        return Found(pixels, predictor.largest(probabilities), probabilities, place)
    except OUT_OF_MEMORY:
        remedy = tile_remedy(predictor.protocol)
        return f"{image.path} takes more memory than there is: say {remedy}."
    except tf.errors.OpError as error:
        return f"{image.path} cannot be predicted: {first_line(error)[:200]}"
    except KerassegError as error:
        if isinstance(error.__cause__, OSError):
            raise  # the disk, which the next image would find full too
        return str(error)


def _predict_by_windows(predictor: Predictor, image: Input, outputs: Outputs) -> None:
    files = outputs.files(image)
    predict_raster(predictor, image.path, files["masks"], outputs.labels)
    if "polygons" in files:
        classes = raster_classes(files["masks"])
        _write_polygons(image, classes, outputs, place_on_earth(image.path))


def write_results(image: Input, found: Found | None, outputs: Outputs) -> None:
    """Writes what was found in an image.

    Args:
        image: The file.
        found: What `found_in` returned, if it is no message.
        outputs: What is to be written.

    Raises:
        KerassegError: If the disk is full or the place must not be written to.
    """
    from kerasseg.visualization import overlay

    if found is None:
        return
    files = outputs.files(image)
    if found.probabilities is not None:
        _write(files["probabilities"], found.probabilities)
    if outputs.overlays:
        _write(files["overlays"], overlay(found.pixels, found.classes, outputs.labels))
    if outputs.polygons:
        _write_polygons(image, found.classes, outputs, found.place)
    # The mask comes last: what is there is whole, with all that belongs to it.
    _write(files["masks"], indexed_mask(found.classes, outputs.labels))


def _write_polygons(
    image: Input, classes: np.ndarray, outputs: Outputs, place: dict[str, Any] | None
) -> None:
    file = outputs.files(image)["polygons"]
    if outputs.polygons == "geojson":
        write_geojson(file, classes, outputs.labels, place)
    else:
        write_coco(file, classes, outputs.labels, image.file_name)


def indexed_mask(classes: np.ndarray, labels: LabelSet) -> "Image":
    """Returns a label map as a picture that holds class ids and shows their colours.

    Of more than 256 classes it has 16 bits and no colours.

    Args:
        classes: `(H, W)`.
        labels: The classes and their colours.

    Example:
        >>> mask = indexed_mask(np.array([[0, 1]]), LabelSet(("soil", "leaf")))
        >>> np.asarray(mask).tolist(), mask.mode, mask.getpalette()[3:6]
        ([[0, 1]], 'P', [0, 128, 0])
    """
    from PIL import Image

    if labels.num_classes > 256:
        return Image.fromarray(classes.astype(np.uint16))
    mask = Image.fromarray(classes.astype(np.uint8))
    mask.putpalette([value for colour in labels.colours for value in colour])
    return mask


def _write(file: Path, result: "np.ndarray | Image") -> None:
    from PIL import Image

    with atomic_file(file) as temporary:
        if file.suffix == ".npy":
            with temporary.open("wb") as stream:
                np.save(stream, np.asarray(result))
            return
        picture = Image.fromarray(result) if isinstance(result, np.ndarray) else result
        picture.save(temporary)
