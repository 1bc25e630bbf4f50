"""Export of a model for OpenVINO, Intel's runtime."""

import os
import tempfile
from pathlib import Path

import keras

from kerasseg.errors import unknown_name
from kerasseg.evaluation.inference.protocol import Protocol
from kerasseg.files import atomic_file
from kerasseg.formats.checking import check_answers, check_path
from kerasseg.formats.extras import imported
from kerasseg.formats.network import OUTPUTS, ExportedNetwork
from kerasseg.formats.onnx_graph import onnx_graph
from kerasseg.formats.record import RECORD_KEY, new_record
from kerasseg.formats.sessions import open_artifact
from kerasseg.label_set import LabelSet

OPENVINO_PRECISIONS = ("float32", "float16")


def export_openvino(
    model: keras.Model,
    path: str | os.PathLike[str],
    *,
    labels: LabelSet | None = None,
    output: str = OUTPUTS[0],
    precision: str = "float32",
    protocol: str | Protocol = "whole",
    overwrite: bool = False,
) -> Path:
    """Writes `model` as `.xml` and `.bin` for OpenVINO, by way of ONNX.

    Input and output are those of `export_onnx`; the record of the export is in the model's runtime
    information, under `kerasseg`. What OpenVINO computes in is decided when the file is loaded: on
    a processor with bfloat16 it takes that, unless it is told `INFERENCE_PRECISION_HINT=f32`.

    Before the files are there they have been run in float32, and compared with the model.

    Args:
        model: As for `export_onnx`.
        path: The file, ending in `.xml`; the weights go beside it, ending in `.bin`.
        labels: As for `export_onnx`.
        output: `"probabilities"` or `"mask"`.
        precision: What the weights are stored in, `"float32"` or `"float16"`.
        protocol: As for `export_onnx`.
        overwrite: Whether files that are there are replaced.

    Raises:
        KerassegError: If the model cannot be converted exactly or is of another kind, an argument
            is out of its range, `path` is taken, or the extra `openvino` is missing.

    Example:
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> export_openvino(keras.Model(images, logits), "leaves.xml").as_posix()
        'leaves.xml'
    """
    target = Path(path)
    check_path(target, ".xml", overwrite)
    check_path(target.with_suffix(".bin"), ".bin", overwrite)
    if precision not in OPENVINO_PRECISIONS:
        raise unknown_name("precision of OpenVINO", precision, OPENVINO_PRECISIONS)
    openvino = imported("openvino")
    network = ExportedNetwork(model, protocol=protocol, output=output)
    record = new_record("openvino", precision, network, labels)
    with tempfile.TemporaryDirectory(prefix="kerasseg-openvino-") as folder:
        between, exact = Path(folder, "network.onnx"), Path(folder, "float32.xml")
        imported("onnx").save_model(onnx_graph(network), str(between))
        converted = openvino.convert_model(str(between))
        for name, text in record.to_texts().items():
            converted.set_rt_info(text, [RECORD_KEY, name])
        openvino.save_model(converted, str(exact), compress_to_fp16=False)
        check_answers(open_artifact(exact), network)
        stored = exact
        if precision == "float16":
            stored = Path(folder, "float16.xml")
            openvino.save_model(converted, str(stored), compress_to_fp16=True)
        # First what the other cannot be used without.
        for suffix in (".bin", ".xml"):
            with atomic_file(target.with_suffix(suffix)) as temporary:
                temporary.write_bytes(stored.with_suffix(suffix).read_bytes())
    return target
