"""Is the served model the evaluated one? A SavedModel compared with its Keras model.

The SavedModel runs through TensorFlow's C API in a process that imports neither Python
TensorFlow nor Keras nor kerasseg; the Keras model runs here, on the same files.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.protocol import Protocol
from kerasseg.evaluation.inference.views import Views
from kerasseg.serving.assets import read_record
from kerasseg.serving.c_api.job import Request, load_tensors, save_tensors
from kerasseg.serving.comparison import Comparison
from kerasseg.serving.images import decoded
from kerasseg.serving.slimming import precision_of, slim

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
    record = read_record(Path(path))
    with tempfile.TemporaryDirectory(prefix="kerasseg-verify-") as temporary:
        folder = Path(temporary)
        questions = _questions(folder, record.kinds, images, pixels)
        report = _ask(folder, Path(path), questions, repetitions)
        exported = as_exported(model, record.precision, bool(record.folded))
        comparisons = _compare(exported, record.views, pixels, questions)
    for comparison in comparisons:
        comparison.milliseconds = 1e3 * _median(comparison, questions, report["seconds"])
    return Verification(
        comparisons=comparisons,
        tolerance=FLOAT32_TOLERANCE if record.precision == "float32" else LOW_PRECISION_TOLERANCE,
        load_seconds=report["load_seconds"],
        tensorflow=report["tensorflow"],
    )


def _questions(
    folder: Path,
    kinds: Mapping[str, str],
    images: Mapping[str, bytes],
    pixels: Mapping[str, np.ndarray],
) -> list[_Question]:
    """Stores the inputs of every request; the one with all the images comes last."""
    asked = [signature for signature, kind in kinds.items() if kind != "overlay"]
    calls: list[tuple[str, tuple[str, ...]]] = [
        (signature, (name,)) for name in images for signature in asked
    ]
    calls += [(name, tuple(images)) for name, kind in kinds.items() if kind == "bytes"]
    questions = []
    for number, (signature, names) in enumerate(calls):
        request = Request(
            signature, str(folder / f"in-{number}.npz"), str(folder / f"out-{number}.npz")
        )
        if kinds[signature] == "bytes":
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


def as_exported(model: keras.Model, precision: str, fold: bool = False) -> keras.Model:
    """Returns a model in the precision of an export; in float32 it may be the model itself.

    Args:
        model: The Keras model.
        precision: What the export computes in.
        fold: Whether batch norms are folded as they are there, where that makes a difference.
    """
    if precision == "float32" == precision_of(model):
        return model
    return slim(model, fold=fold, precision=precision).model


def saved_model_masks(version: Path, images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns the class ids `(H, W)` that a SavedModel has for images, through the C API.

    Args:
        version: The version directory.
        images: Pixels, uint8 `(H, W, 3)`.

    Raises:
        KerassegError: If it cannot be run, or it is not known how it was exported.
    """
    kinds = read_record(version).kinds
    signature = next(name for name, kind in kinds.items() if kind == "pixels")
    with tempfile.TemporaryDirectory(prefix="kerasseg-verify-") as temporary:
        questions = []
        for number, image in enumerate(images):
            files = [str(Path(temporary, f"{side}-{number}.npz")) for side in ("in", "out")]
            save_tensors(Path(files[0]), {"pixels": image[None]})
            questions.append(_Question(Request(signature, *files), (str(number),)))
        _ask(Path(temporary), version, questions, repetitions=0)
        answers = [load_tensors(Path(question.request.outputs)) for question in questions]
    return [answer["mask"][0] for answer in answers]


def _compare(
    model: keras.Model,
    protocol: Protocol,
    pixels: Mapping[str, np.ndarray],
    questions: Sequence[_Question],
) -> tuple[Comparison, ...]:
    names = dict.fromkeys(question.request.signature for question in questions)
    comparisons = {name: Comparison(name) for name in names}
    views = Views(model, protocol)
    spec = tf.TensorSpec([1, None, None, 3], tf.float32)
    probabilities = tf.function(views.probabilities, input_signature=[spec], autograph=False)
    for name, image in pixels.items():
        expected = probabilities(tf.constant(image[None], tf.float32)).numpy()[0]
        for question in questions:
            if name in question.names:
                answer = load_tensors(Path(question.request.outputs))
                place = question.names.index(name)
                comparisons[question.request.signature].add(expected, answer, place)
    return tuple(comparisons.values())


def _median(
    comparison: Comparison, questions: Sequence[_Question], seconds: Sequence[float]
) -> float:
    """Returns the median time of the signature's calls with one image."""
    alone = zip(questions[:-1], seconds[:-1], strict=True)
    times = [time for question, time in alone if question.request.signature == comparison.signature]
    return float(np.median(times))
