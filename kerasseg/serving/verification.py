"""Is the served model the evaluated one? A SavedModel compared with its Keras model.

The SavedModel runs through TensorFlow's C API in a process that imports neither Python
TensorFlow nor Keras nor kerasseg; the Keras model runs here, on the same files.
"""

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet
from kerasseg.serving.assets import ExportRecord, read_labels
from kerasseg.serving.comparison import Comparison
from kerasseg.serving.images import decoded
from kerasseg.serving.overlay import overlay_picture
from kerasseg.serving.process import SavedModelProcess
from kerasseg.serving.reference import Probabilities, saved_model_reference
from kerasseg.serving.signatures import MOST_JPEG_SIDE

FLOAT32_TOLERANCE = 1e-4
# Another order of summation can round a bfloat16 value the other way, by 2^-8 of itself, and no
# order is more right than another.
LOW_PRECISION_TOLERANCE = 1e-2


@dataclass(frozen=True)
class Verification:
    """What `verify_saved_model` found.

    Attributes:
        comparisons: One a signature.
        tolerance: Largest difference of probabilities and confidence that counts as agreement:
            1e-4, or 1e-2 for a model that computes in bfloat16 or float16.
        load_seconds: What the C API took to load its library and the SavedModel.
        tensorflow: Version of the C library.

    Example:
        >>> comparisons = (Comparison("pixels", answers=1, probability=0.2),)
        >>> Verification(comparisons, tolerance=1e-4, load_seconds=1.0, tensorflow="2.21.0").agrees
        False
    """

    comparisons: tuple[Comparison, ...]
    tolerance: float
    load_seconds: float
    tensorflow: str

    @property
    def agrees(self) -> bool:
        """Whether every signature stays within the tolerance, and overlays within theirs."""
        return all(
            comparison.within(self.tolerance) and comparison.shows_its_colours
            for comparison in self.comparisons
        )


def verify_saved_model(
    path: str | os.PathLike[str],
    model: keras.Model,
    images: Mapping[str, bytes],
    *,
    repetitions: int = 5,
) -> Verification:
    """Compares each signature of a SavedModel with the model that it was exported from.

    Every image goes alone through every signature, and all of them, whatever their sizes, go
    in one batch through those that take encoded images. What `overlay` answers is compared with
    the colours of `labels.json` laid over the image by the classes of the Keras model.

    The model is asked as the SavedModel was exported: averaged over the same scales; and where
    the SavedModel computes in 16 bits, as a model that does so too, with the same batch norms
    folded, since 16 bits round differently what is computed otherwise. What 16 bits cost is for
    an evaluation to say.

    Args:
        path: The version directory.
        model: The Keras model; it runs as `predict` and `evaluate` run it, as one graph.
        images: Encoded images by the names that messages call them by; at least one.
        repetitions: How often each call is timed, at least once.

    Raises:
        KerassegError: If there is no image, one cannot be decoded, the SavedModel cannot be
            run, it is not known how it was exported, it refuses an image, or its answers have
            another size or other classes than the model's.

    Example:
        >>> import tensorflow as tf
        >>> from kerasseg.serving import export_saved_model
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> model = keras.Model(images, logits)
        >>> version = export_saved_model(model, "served", warmup_images=())
        >>> grey = tf.io.encode_png(tf.fill((40, 56, 3), tf.constant(128, tf.uint8))).numpy()
        >>> verify_saved_model(version, model, {"grey.png": grey}, repetitions=1).agrees
        True
    """
    if not images:
        raise KerassegError("there are no images to compare with; give at least one.")
    pixels = {name: decoded(name, image) for name, image in images.items()}
    with SavedModelProcess(Path(path)) as process:
        expected = saved_model_reference(model, process.record)
        return Verification(
            comparisons=compare(process, expected, images, pixels, repetitions),
            tolerance=tolerance_of(process.record),
            load_seconds=process.load_seconds,
            tensorflow=process.tensorflow,
        )


def tolerance_of(record: ExportRecord) -> float:
    """Returns how far a probability of a SavedModel may be off, by how it was exported."""
    return FLOAT32_TOLERANCE if record.precision == "float32" else LOW_PRECISION_TOLERANCE


def compare(
    process: SavedModelProcess,
    expected: Probabilities,
    images: Mapping[str, bytes],
    pixels: Mapping[str, np.ndarray],
    repetitions: int = 0,
) -> tuple[Comparison, ...]:
    """Compares what each signature says of each image alone, and of all of them in one batch.

    Args:
        process: The SavedModel.
        expected: Of the Keras model.
        images: Encoded images by name.
        pixels: The same images decoded, uint8 `(H, W, 3)`.
        repetitions: How often each call with one image is timed; 0 for not at all.

    Returns:
        One a signature; none of `overlay` if every image has a side that no JPEG can have.

    Raises:
        KerassegError: If it cannot be run, refuses an image, or its answers have another size or
            other classes than expected.
    """
    kinds, labels = process.record.kinds, read_labels(process.version)
    files = [name for name, kind in kinds.items() if kind in ("bytes", "overlay")]
    together = {name: process.answer(name, _files(*images.values()))[0] for name in files}
    comparisons, seconds = [Comparison(name) for name in kinds], []
    for place, (name, image) in enumerate(images.items()):
        truth, times = _Truth(pixels[name], expected(pixels[name]), labels), []
        for comparison in comparisons:
            signature = comparison.signature
            inputs = _files(image) if signature in files else {"pixels": truth.pixels[None]}
            answer, time = process.answer(signature, inputs, repetitions)
            times.append(time)
            _add(comparison, kinds[signature], truth, answer, 0)
            if signature in files:
                _add(comparison, kinds[signature], truth, together[signature], place)
        seconds.append(times)
    for comparison, median in zip(comparisons, np.median(seconds, axis=0), strict=True):
        comparison.milliseconds = 1e3 * float(median)
    return tuple(comparison for comparison in comparisons if comparison.answers)


class _Truth:
    """What a SavedModel has to answer to one image.

    Args:
        pixels: The image, uint8 `(H, W, 3)`.
        probabilities: Of the Keras model, `(H, W, C)`.
        labels: The classes and their colours.
    """

    def __init__(self, pixels: np.ndarray, probabilities: np.ndarray, labels: LabelSet) -> None:
        self.pixels = pixels
        self.probabilities = probabilities
        self._labels = labels

    @functools.cached_property
    def overlay(self) -> np.ndarray:
        """The picture of its classes."""
        return overlay_picture(self.pixels, self.probabilities.argmax(-1), self._labels)


def _add(
    comparison: Comparison,
    kind: str,
    truth: _Truth,
    answer: Mapping[str, np.ndarray],
    place: int,
) -> None:
    if kind != "overlay":
        comparison.add(truth.probabilities, answer, place)
    elif max(truth.pixels.shape) <= MOST_JPEG_SIDE:  # it has to refuse a longer one
        comparison.add_overlay(truth.overlay, answer, place)


def _files(*images: bytes) -> dict[str, np.ndarray]:
    return {"image_bytes": np.array(images, object)}
