"""An exported file of any format against the Keras model that it was made of."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import keras
import numpy as np

from kerasseg.errors import KerassegError
from kerasseg.formats.checking import answer_of
from kerasseg.formats.hostile import hostile_images
from kerasseg.formats.keras_reference import KerasReference
from kerasseg.formats.limits import LIMITS, Limits, limits_of
from kerasseg.formats.score import LabelledImages, Masks, Score
from kerasseg.formats.sessions import SUFFIXES, ArtifactSession, open_artifact
from kerasseg.serving.assets import ExportRecord, read_record
from kerasseg.serving.comparison import COLOUR_TOLERANCE, Comparison
from kerasseg.serving.images import decoded, fitting, png
from kerasseg.serving.process import SavedModelProcess
from kerasseg.serving.reference import Probabilities, as_exported
from kerasseg.serving.verification import compare, tolerance_of
from kerasseg.serving.versions import latest_version


@dataclass(frozen=True)
class ArtifactVerification:
    """What `verify_artifact` found.

    Attributes:
        path: The file, or the version directory of a SavedModel.
        runtime: What ran it.
        precision: What it computes in.
        comparisons: On the real images, one a signature.
        hostile: On the images of `hostile_images`.
        score: On a data set; None if there was none.
        limits: What counts as agreement.
        shrunk: How many of the images, hostile ones among them, had more pixels than a SavedModel
            takes, and were made smaller.

    Example:
        >>> compared = Comparison("mask", answers=1, probability=0.4, pixels=100, other_class=7)
        >>> hostile = Comparison("hostile", answers=1)
        >>> ArtifactVerification(
        ...     Path("leaves.onnx"), "", "int8", (compared,), hostile, None, LIMITS["int8"]
        ... ).complaints
        ['mask: 7.00% of the pixels have another class']
    """

    path: Path
    runtime: str
    precision: str
    comparisons: tuple[Comparison, ...]
    hostile: Comparison
    score: Score | None
    limits: Limits
    shrunk: int = 0

    @property
    def agrees(self) -> bool:
        """Whether it stays within the limits."""
        return not self.complaints

    @property
    def complaints(self) -> list[str]:
        """What is outside of the limits, a line each."""
        found = []
        # Of what is not exact nothing is asked on hostile images but an answer.
        most = self.limits.probability or 1.0
        exact = self.precision == "float32"
        for each in (*self.comparisons, self.hostile):
            asked = exact or each is not self.hostile
            if not each.within(most if asked else 1.0):  # nor if it is NaN
                found.append(f"{each.signature}: a probability is off by {each.probability:.1e}")
            if asked and not each.shows_its_colours:
                found.append(
                    f"{each.signature}: the colours of an overlay are off by {each.colour:.1f} of "
                    f"255 in the mean; up to {COLOUR_TOLERANCE:g} is agreement"
                )
        for each in self.comparisons:
            share = each.other_class / max(each.pixels, 1)
            if self.limits.other_class is not None and share > self.limits.other_class:
                found.append(f"{each.signature}: {share:.2%} of the pixels have another class")
        if self.score is not None and self.score.loss > self.limits.mean_iou:
            found.append(f"the mean IoU is {100 * self.score.loss:.2f} points lower")
        return found


def verify_artifact(
    path: str | os.PathLike[str],
    model: keras.Model,
    images: Mapping[str, bytes],
    *,
    examples: LabelledImages | None = None,
    precision: str = "float32",
    repetitions: int = 5,
) -> ArtifactVerification:
    """Compares an exported file with the model that it was exported from.

    A SavedModel runs through TensorFlow's C API, in a process of its own without Python
    TensorFlow, Keras and kerasseg; any other file by the runtime that its format is made for. The
    model is asked over the views that the file has. Its answers to single images are those of the
    precision in which the file was made: for a SavedModel in 16 bits the same 16 bits, else
    float32. Its mean IoU is that of the model as it is, which is how it is evaluated, so that what
    other bits cost shows there.

    Images of more pixels than a SavedModel takes are made smaller; those of `examples`, which are
    scored as they are, have to fit.

    Args:
        path: A `.onnx`, `.tflite` or `.xml` file, or the directory of a SavedModel.
        model: The Keras model.
        images: Encoded images by the names that messages call them by; at least one.
        examples: Labelled images on which the mean IoU of both is found; None for none.
        precision: What OpenVINO is to compute in, `"float32"` or `"bfloat16"`.
        repetitions: How often each real image is timed.

    Raises:
        KerassegError: If there is no image, one cannot be decoded, or the file cannot be run or
            is of another model, or an image of `examples` is too large for it.

    Example:
        >>> import tensorflow as tf
        >>> from kerasseg.formats import export_onnx
        >>> pixels = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(pixels)
        >>> model = keras.Model(pixels, logits)
        >>> path = export_onnx(model, "leaves.onnx")
        >>> grey = tf.io.encode_png(tf.fill((40, 56, 3), tf.constant(128, tf.uint8))).numpy()
        >>> verify_artifact(path, model, {"grey.png": grey}, repetitions=1).agrees
        True
    """
    if not images:
        raise KerassegError("there are no images to compare with; give at least one.")
    if is_saved_model(Path(path)):
        return _verified_saved_model(
            latest_version(Path(path)), model, images, examples, repetitions
        )
    session = open_artifact(path, precision=precision)
    keras_model = KerasReference(model, as_exported(model, "float32"), session.record.views)
    expected = keras_model.probabilities
    pixels = {name: decoded(name, image) for name, image in images.items()}
    comparison = _compared(session, expected, pixels, session.record.output)
    comparison.milliseconds = _milliseconds(session, [*pixels.values()], repetitions)
    computed = _computed_in(session, precision)
    return ArtifactVerification(
        path=Path(path),
        runtime=session.runtime,
        precision=computed,
        comparisons=(comparison,),
        hostile=_compared(session, expected, hostile_images(), "hostile"),
        score=keras_model.score(_masks_of(session), examples),
        limits=limits_of(computed, keras_model.precision),
    )


def _computed_in(session: ArtifactSession, precision: str) -> str:
    """Returns the precision that decides how far a file may be off: the coarsest in it."""
    used = {session.record.precision}
    if session.record.format == "openvino":
        used.add(precision)
    return max(used, key=[*LIMITS].index)


def _verified_saved_model(
    version: Path,
    model: keras.Model,
    images: Mapping[str, bytes],
    examples: LabelledImages | None,
    repetitions: int,
) -> ArtifactVerification:
    record = read_record(version)
    real = _fitting(images, record)
    unusual = {name: png(image) for name, image in hostile_images().items()}
    hostile = _fitting(unusual, record)
    shrunk = sum(file is not images[name] for name, file in real.items())
    shrunk += sum(file is not unusual[name] for name, file in hostile.items())
    pixels, hostile_pixels = (
        {name: decoded(name, image) for name, image in files.items()} for files in (real, hostile)
    )
    exported = as_exported(model, record.precision, bool(record.folded))
    keras_model = KerasReference(model, exported, record.views)
    expected = keras_model.probabilities
    limits = limits_of(record.precision, keras_model.precision)
    with SavedModelProcess(version) as process:
        return ArtifactVerification(
            path=version,
            runtime=f"TensorFlow {process.tensorflow} through its C API, without Python "
            f"TensorFlow; loaded in {process.load_seconds:.2f} s",
            precision=record.precision,
            comparisons=compare(process, expected, real, pixels, repetitions),
            hostile=_together(compare(process, expected, hostile, hostile_pixels)),
            score=keras_model.score(process.masks, examples),
            limits=replace(limits, probability=tolerance_of(record)),
            shrunk=shrunk,
        )


def _fitting(images: Mapping[str, bytes], record: ExportRecord) -> dict[str, bytes]:
    return {name: fitting(name, image, record.max_pixels) for name, image in images.items()}


def _compared(
    session: ArtifactSession,
    expected: Probabilities,
    images: Mapping[str, np.ndarray],
    name: str,
) -> Comparison:
    comparison = Comparison(name)
    for image in images.values():
        answer = {session.record.output: answer_of(session, image[None])}
        comparison.add(expected(image), answer, 0)
    return comparison


def _milliseconds(
    session: ArtifactSession, images: Sequence[np.ndarray], repetitions: int
) -> float:
    times = []
    for image in images:
        for _ in range(repetitions):
            start = time.perf_counter()
            session.run(image[None])
            times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def is_saved_model(path: Path) -> bool:
    """Whether a path, which may not exist, is meant for a SavedModel."""
    return path.is_dir() or path.suffix not in SUFFIXES


def masks_of(path: str | os.PathLike[str], precision: str = "float32") -> Masks:
    """Returns an exported file of any format as a function of images to class ids.

    Args:
        path: As for `verify_artifact`.
        precision: As for `verify_artifact`.

    Raises:
        KerassegError: If it cannot be run.
    """
    if is_saved_model(Path(path)):
        return partial(_masks_of_saved_model, latest_version(Path(path)))
    return _masks_of(open_artifact(path, precision=precision))


def _masks_of_saved_model(version: Path, images: Sequence[np.ndarray]) -> list[np.ndarray]:
    with SavedModelProcess(version) as process:
        return process.masks(images)


def _masks_of(session: ArtifactSession) -> Masks:
    def masks(images: Sequence[np.ndarray]) -> list[np.ndarray]:
        answers = [answer_of(session, image[None])[0] for image in images]
        return [each.argmax(-1) if each.ndim == 3 else each for each in answers]

    return masks


def _together(comparisons: Sequence[Comparison]) -> Comparison:
    """Returns what several signatures came to, as one."""
    colours = [each.colour for each in comparisons if each.colour is not None]
    return Comparison(
        "hostile",
        answers=sum(each.answers for each in comparisons),
        probability=float(np.max([each.probability for each in comparisons])),
        pixels=sum(each.pixels for each in comparisons),
        other_class=sum(each.other_class for each in comparisons),
        confidence=float(np.max([each.confidence for each in comparisons])),
        colour=max(colours, default=None),
    )
