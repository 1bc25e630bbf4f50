"""Is the served model the evaluated one? A SavedModel compared with its Keras model.

The SavedModel runs through TensorFlow's C API in a process that imports neither Python
TensorFlow nor Keras nor kerasseg; the Keras model runs here, on the same files.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from kerasseg.errors import KerassegError
from kerasseg.serving.assets import ExportRecord
from kerasseg.serving.comparison import Comparison
from kerasseg.serving.images import decoded
from kerasseg.serving.process import SavedModelProcess
from kerasseg.serving.reference import Probabilities, saved_model_reference

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
        """Whether every signature stays within the tolerance."""
        return all(comparison.within(self.tolerance) for comparison in self.comparisons)


def verify_saved_model(
    path: str | os.PathLike[str],
    model: keras.Model,
    images: Mapping[str, bytes],
    *,
    repetitions: int = 5,
) -> Verification:
    """Compares each signature of a SavedModel with the model that it was exported from.

    Every image goes alone through every signature, and all of them, whatever their sizes, go
    in one batch through the one that takes encoded images. `overlay`, a picture for the eye, is
    left out.

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
        One a signature, without `overlay`.

    Raises:
        KerassegError: If it cannot be run, refuses an image, or its answers have another size or
            other classes than expected.
    """
    kinds = {name: kind for name, kind in process.record.kinds.items() if kind != "overlay"}
    every = np.array([*images.values()], object)
    together = {
        name: process.answer(name, {"image_bytes": every})[0]
        for name, kind in kinds.items()
        if kind == "bytes"
    }
    comparisons, seconds = [Comparison(name) for name in kinds], []
    for place, (name, image) in enumerate(images.items()):
        probabilities, times = expected(pixels[name]), []
        for comparison in comparisons:
            signature, inputs = comparison.signature, {"pixels": pixels[name][None]}
            if kinds[signature] == "bytes":
                inputs = {"image_bytes": np.array([image], object)}
            answer, time = process.answer(signature, inputs, repetitions)
            times.append(time)
            comparison.add(probabilities, answer, 0)
            if signature in together:
                comparison.add(probabilities, together[signature], place)
        seconds.append(times)
    for comparison, median in zip(comparisons, np.median(seconds, axis=0), strict=True):
        comparison.milliseconds = 1e3 * float(median)
    return tuple(comparisons)
