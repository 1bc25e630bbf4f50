"""Export of a model for LiteRT (TensorFlow Lite): phones and small boards."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy.typing as npt
import tensorflow as tf

from kerasseg.errors import KerassegError, unknown_name
from kerasseg.evaluation.inference.protocol import Protocol
from kerasseg.files import atomic_file
from kerasseg.formats.calibration import Calibration, checked_calibration
from kerasseg.formats.checking import check_answers, check_path
from kerasseg.formats.extras import imported
from kerasseg.formats.network import OUTPUTS, ExportedNetwork
from kerasseg.formats.record import ArtifactRecord, new_record
from kerasseg.formats.sessions import open_artifact, record_file
from kerasseg.label_set import LabelSet

LITERT_PRECISIONS = ("float32", "float16", "int8")
MOST_WEIGHT_BYTES = 1_500_000_000  # the graph that is converted is one message of at most 2 GiB


def export_litert(
    model: keras.Model,
    path: str | os.PathLike[str],
    *,
    labels: LabelSet | None = None,
    output: str = OUTPUTS[0],
    precision: str = "float32",
    calibration_images: "Sequence[npt.ArrayLike] | Calibration | None" = None,
    protocol: str | Protocol = "whole",
    overwrite: bool = False,
) -> Path:
    """Writes `model` as a `.tflite` file for LiteRT, and `.tflite.json` with its classes beside it.

    Input and output are those of `export_onnx`, in the signature `serving_default`: any number of
    images of any one size, in every precision. It holds only operations that LiteRT has built in.

    Before the file is there its float32 form has been run, and compared with the model.

    Args:
        model: As for `export_onnx`.
        path: The file, ending in `.tflite`.
        labels: As for `export_onnx`.
        output: `"probabilities"` or `"mask"`.
        precision: `"float32"`; `"float16"`, which stores the weights in 16 bits, half the size,
            and computes in float32 where there is no hardware for 16; or `"int8"`, weights and
            activations of whatever has such an operation.
        calibration_images: As for `export_onnx`.
        protocol: As for `export_onnx`.
        overwrite: Whether files that are there are replaced.

    Raises:
        KerassegError: If the model cannot be converted exactly or is of another kind, an argument
            is out of its range, `path` is taken, or the extra `litert` is missing.

    Example:
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> export_litert(keras.Model(images, logits), "leaves.tflite").as_posix()
        'leaves.tflite'
    """
    target = Path(path)
    check_path(target, ".tflite", overwrite)
    if precision not in LITERT_PRECISIONS:
        raise unknown_name("precision of LiteRT", precision, LITERT_PRECISIONS)
    calibration = checked_calibration(precision, calibration_images)
    imported("ai_edge_litert.interpreter")
    network = ExportedNetwork(model, protocol=protocol, output=output)
    record = new_record("litert", precision, network, labels, calibration)
    converted = _checked(network, record)
    if precision != "float32":
        converted = _converted(network, precision, calibration)
    # First what the other cannot be used without.
    with atomic_file(record_file(target)) as temporary:
        temporary.write_text(record.to_json(), "utf-8")
    with atomic_file(target) as temporary:
        temporary.write_bytes(converted)
    return target


def _checked(network: ExportedNetwork, record: ArtifactRecord) -> bytes:
    """Returns the float32 form, once it has answered as the network does."""
    converted = _converted(network, "float32", None)
    with tempfile.TemporaryDirectory(prefix="kerasseg-litert-") as folder:
        exact = Path(folder, "float32.tflite")
        exact.write_bytes(converted)
        record_file(exact).write_text(record.to_json(), "utf-8")
        check_answers(open_artifact(exact), network)
    return converted


def _converted(network: ExportedNetwork, precision: str, calibration: Calibration | None) -> bytes:
    if network.weight_bytes() > MOST_WEIGHT_BYTES:
        raise KerassegError(
            f"the weights take {network.weight_bytes() / 1e9:.1f} GB, and a LiteRT file holds at "
            f"most {MOST_WEIGHT_BYTES / 1e9:.1f} GB: serve this model as a SavedModel."
        )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([network.function()], network.model)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if calibration is not None:
        images = calibration.images
        converter.representative_dataset = lambda: ([image[None]] for image in images)
    try:
        with _quiet():
            return converter.convert()
    except Exception as error:  # the converter's errors have no class of their own
        raise KerassegError(
            f"this model cannot be converted to LiteRT: {_said(error)}. Serve it as a SavedModel "
            "(export.saved_model), or build it with another backbone."
        ) from error


def _said(error: Exception) -> str:
    """Returns the line of a converter's error that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    about = [line for line in lines if "error:" in line or "not supported" in line]
    return (about or lines or [type(error).__name__])[0][:300]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the converter's own lines, which C++ writes, from whoever exports."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        for number, descriptor in enumerate(kept, 1):
            os.dup2(descriptor, number)
            os.close(descriptor)
