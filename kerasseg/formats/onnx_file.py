"""Export of a model as an ONNX file."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy.typing as npt

from kerasseg.errors import unknown_name
from kerasseg.evaluation.inference.protocol import Protocol
from kerasseg.files import atomic_file
from kerasseg.formats.calibration import Calibration, checked_calibration
from kerasseg.formats.checking import check_answers, check_path
from kerasseg.formats.extras import imported
from kerasseg.formats.network import OUTPUTS, ExportedNetwork
from kerasseg.formats.onnx_graph import onnx_graph
from kerasseg.formats.onnx_int8 import quantized
from kerasseg.formats.record import ArtifactRecord, new_record
from kerasseg.formats.sessions import open_artifact
from kerasseg.label_set import LabelSet

ONNX_PRECISIONS = ("float32", "int8")


def export_onnx(
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
    """Writes `model` as an ONNX file for ONNX Runtime and whatever else reads ONNX.

    Its input is `pixels`, uint8 `[batch, height, width, 3]`, RGB 0..255: any number of images of
    any one size. Its output is `probabilities`, float32 `[batch, height, width, C]`, or `mask`,
    `[batch, height, width]`, uint8 up to 255 classes and int32 above. The normalization of pixels
    is in the graph. Metadata hold the class names, the palette and how it was exported. The network
    is that of the SavedModel: batch norm folded, dropout gone; in float32, whatever the model was
    trained in.

    Before the file is there it has been run, and compared with the model.

    Args:
        model: A plain functional model: RGB pixels 0..255 `(N, H, W, 3)` to `(N, H, W, C)`, its
            last layer named `"logits"` or `"probabilities"`.
        path: The file, ending in `.onnx`.
        labels: Names and colours of the classes; None for `class_0`, `class_1` and so on.
        output: `"probabilities"` or `"mask"`.
        precision: `"float32"`; or `"int8"`, by ONNX Runtime's static quantization: uint8
            activations and int8 weights with one scale a channel.
        calibration_images: Of int8: some dozens of pictures of the kind that it will see, uint8
            `(H, W, 3)`.
        protocol: The scales and the mirroring over which probabilities are averaged in the graph,
            which holds the network once for each view.
        overwrite: Whether a file that is there is replaced.

    Raises:
        KerassegError: If the model cannot be converted exactly or is of another kind, an argument
            is out of its range, `path` is taken, or a package of the extra `onnx` is missing.

    Example:
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> export_onnx(keras.Model(images, logits), "leaves.onnx").as_posix()
        'leaves.onnx'
    """
    target = Path(path)
    check_path(target, ".onnx", overwrite)
    if precision not in ONNX_PRECISIONS:
        raise unknown_name("precision of ONNX", precision, ONNX_PRECISIONS)
    calibration = checked_calibration(precision, calibration_images)
    imported("onnxruntime")
    network = ExportedNetwork(model, protocol=protocol, output=output)
    record = new_record("onnx", precision, network, labels, calibration)
    with tempfile.TemporaryDirectory(prefix="kerasseg-onnx-") as folder:
        exact = Path(folder, "float32.onnx")
        _write(exact, onnx_graph(network), record)
        check_answers(open_artifact(exact), network)
        with atomic_file(target) as temporary:
            if calibration is None:
                temporary.write_bytes(exact.read_bytes())
            else:
                _write(temporary, quantized(exact, calibration.images), record)
    return target


def _write(path: Path, proto: Any, record: ArtifactRecord) -> None:
    onnx = imported("onnx")
    onnx.helper.set_model_props(proto, record.to_texts())
    proto.producer_name, proto.producer_version = "kerasseg", record.kerasseg_version
    onnx.checker.check_model(proto)
    onnx.save_model(proto, str(path))
