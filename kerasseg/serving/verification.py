"""Is the served model the evaluated one? A SavedModel compared with its Keras model.

The SavedModel runs through TensorFlow's C API in a process that imports neither Python
TensorFlow nor Keras nor kerasseg; the Keras model runs here, on the same files.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.models.outputs import gives_logits
from kerasseg.serving.c_api.job import Request, load_tensors, save_tensors
from kerasseg.serving.comparison import Comparison
from kerasseg.serving.images import decoded
from kerasseg.serving.signatures import SIGNATURE_NAMES

FLOAT32_TOLERANCE = 1e-4
# Another order of summation can round a bfloat16 value the other way, by 2^-8 of itself, and no
# order is more right than another.
LOW_PRECISION_TOLERANCE = 1e-2

_C_API = Path(__file__).with_name("c_api")


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


@dataclass(frozen=True)
class _Question:
    """A request, and the names of the images that it holds."""

    request: Request
    names: tuple[str, ...]


def verify_saved_model(
    path: str | os.PathLike[str],
    model: keras.Model,
    images: Mapping[str, bytes],
    *,
    repetitions: int = 5,
) -> Verification:
    """Compares each signature of a SavedModel with the model that it was exported from.

    Every image goes alone through every signature, and all of them, whatever their sizes, go
    in one batch through `serving_default`.

    Args:
        path: The version directory.
        model: The Keras model; it runs as `predict` and `evaluate` run it, as one graph.
        images: Encoded images by the names that messages call them by; at least one.
        repetitions: How often each call is timed, at least once.

    Raises:
        KerassegError: If there is no image, one cannot be decoded, the SavedModel cannot be
            run, or its answers have another size or other classes than the model's.

    Example:
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
    with tempfile.TemporaryDirectory(prefix="kerasseg-verify-") as temporary:
        folder = Path(temporary)
        questions = _questions(folder, images, pixels)
        report = _ask(folder, Path(path), questions, repetitions)
        comparisons = _compare(model, pixels, questions)
    for comparison in comparisons:
        comparison.milliseconds = 1e3 * _median(comparison, questions, report["seconds"])
    return Verification(
        comparisons=comparisons,
        tolerance=_tolerance(model),
        load_seconds=report["load_seconds"],
        tensorflow=report["tensorflow"],
    )


def _questions(
    folder: Path, images: Mapping[str, bytes], pixels: Mapping[str, np.ndarray]
) -> list[_Question]:
    """Stores the inputs of every request; the one with all the images comes last."""
    calls: list[tuple[str, tuple[str, ...]]] = [
        (signature, (name,)) for name in images for signature in SIGNATURE_NAMES
    ]
    calls.append(("serving_default", tuple(images)))
    questions = []
    for number, (signature, names) in enumerate(calls):
        request = Request(
            signature, str(folder / f"in-{number}.npz"), str(folder / f"out-{number}.npz")
        )
        if signature == "serving_default":
            inputs = {"image_bytes": np.array([images[name] for name in names], object)}
        else:
            inputs = {"pixels": pixels[names[0]][None]}
        save_tensors(Path(request.inputs), inputs)
        questions.append(_Question(request, names))
    return questions


def _ask(
    folder: Path, saved_model: Path, questions: Sequence[_Question], repetitions: int
) -> dict[str, Any]:
    """Runs the requests in a process of their own and returns its report."""
    job = {
        "saved_model": str(saved_model.resolve()),
        "requests": [asdict(question.request) for question in questions],
        "repetitions": repetitions,
    }
    job_file, report_file = folder / "job.json", folder / "report.json"
    job_file.write_text(json.dumps(job), "utf-8")
    child = subprocess.run(
        [sys.executable, "-I", str(_C_API), str(job_file), str(report_file)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode:
        lines = child.stderr.strip().splitlines() or [f"it ended with status {child.returncode}"]
        raise KerassegError(
            f"{saved_model} does not run through TensorFlow's C API; export it again. It said:\n"
            f"{lines[-1]}"
        )
    return json.loads(report_file.read_bytes())


def _compare(
    model: keras.Model, pixels: Mapping[str, np.ndarray], questions: Sequence[_Question]
) -> tuple[Comparison, ...]:
    comparisons = {name: Comparison(name) for name in SIGNATURE_NAMES}
    probabilities = _reference(model)
    for name in pixels:
        expected = probabilities(pixels[name])
        for question in questions:
            if name in question.names:
                answer = load_tensors(Path(question.request.outputs))
                place = question.names.index(name)
                comparisons[question.request.signature].add(expected, answer, place)
    return tuple(comparisons.values())


def _reference(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Returns the Keras model as a function from an image to probabilities `(H, W, C)`."""
    spec = tf.TensorSpec([1, None, None, 3], tf.float32)
    network = tf.function(
        lambda images: model(images, training=False), input_signature=[spec], autograph=False
    )

    def probabilities(image: np.ndarray) -> np.ndarray:
        outputs = network(tf.constant(image[None], tf.float32)).numpy()[0].astype(np.float32)
        if not gives_logits(model):
            return outputs
        powers = np.exp(outputs - outputs.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)

    return probabilities


def _median(
    comparison: Comparison, questions: Sequence[_Question], seconds: Sequence[float]
) -> float:
    """Returns the median time of the signature's calls with one image."""
    alone = zip(questions[:-1], seconds[:-1], strict=True)
    times = [time for question, time in alone if question.request.signature == comparison.signature]
    return float(np.median(times))


def _tolerance(model: keras.Model) -> float:
    low = any(layer.compute_dtype in ("bfloat16", "float16") for layer in _layers(model))
    return LOW_PRECISION_TOLERANCE if low else FLOAT32_TOLERANCE


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
