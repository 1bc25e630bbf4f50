"""A file of any format as a function of pixels, run by the runtime that the format is made for."""

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from kerasseg.errors import KerassegError, first_line, unknown_name
from kerasseg.formats.extras import imported
from kerasseg.formats.record import RECORD_KEY, RECORD_SUFFIX, ArtifactRecord

SUFFIXES = (".onnx", ".tflite", ".xml")
PRECISION_HINTS = {"float32": "f32", "bfloat16": "bf16"}


class ArtifactSession(ABC):
    """An exported file, loaded.

    Attributes:
        path: The file.
        record: What it says of itself.
        runtime: Name and version of what runs it.

    Example:
        >>> import keras
        >>> from kerasseg.formats import export_onnx
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> session = open_artifact(export_onnx(keras.Model(images, logits), "leaves.onnx"))
        >>> session.run(np.zeros((1, 40, 56, 3), np.uint8)).shape
        (1, 40, 56, 2)
    """

    path: Path
    record: ArtifactRecord
    runtime: str

    @abstractmethod
    def run(self, pixels: np.ndarray) -> np.ndarray:
        """Returns what the file's output is of pixels, uint8 `(N, H, W, 3)`."""


class _OnnxSession(ArtifactSession):
    def __init__(self, path: Path, threads: int) -> None:
        runtime = imported("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors; what it could not optimize is no news
        # Else each thread spins between calls and takes the processor from whoever is beside it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = runtime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        texts = self._session.get_modelmeta().custom_metadata_map
        self.record = ArtifactRecord.from_texts(texts)
        self.runtime = f"ONNX Runtime {runtime.__version__}"

    def run(self, pixels: np.ndarray) -> np.ndarray:
        return self._session.run([self.record.output], {"pixels": pixels})[0]


class _LiteRTSession(ArtifactSession):
    def __init__(self, path: Path, threads: int) -> None:
        package = imported("ai_edge_litert")
        interpreter = imported("ai_edge_litert.interpreter")
        self.record = ArtifactRecord.from_text(record_file(path))
        # Kept too: a runner does not keep what it runs alive.
        self._interpreter = interpreter.Interpreter(str(path), num_threads=threads or None)
        self._runner = self._interpreter.get_signature_runner()
        self.runtime = f"LiteRT {getattr(package, '__version__', '')}".strip()

    def run(self, pixels: np.ndarray) -> np.ndarray:
        return self._runner(pixels=pixels)[self.record.output]


class _OpenVINOSession(ArtifactSession):
    def __init__(self, path: Path, threads: int, precision: str) -> None:
        openvino = imported("openvino")
        core = openvino.Core()
        model = core.read_model(str(path))
        self.record = ArtifactRecord.from_texts(_runtime_info(model))
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": PRECISION_HINTS[precision]}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        self._compiled = core.compile_model(model, "CPU", settings)
        self.runtime = f"OpenVINO {openvino.__version__.partition('-')[0]}, {precision}"

    def run(self, pixels: np.ndarray) -> np.ndarray:
        return np.array(self._compiled({"pixels": pixels})[self.record.output])


def open_artifact(
    path: str | os.PathLike[str], *, threads: int = 0, precision: str = "float32"
) -> ArtifactSession:
    """Returns an exported file as a function of pixels.

    Args:
        path: A file that ends in `.onnx`, `.tflite` or `.xml`.
        threads: How many to compute with; 0 for as many as the runtime chooses.
        precision: What OpenVINO computes in, `"float32"` or `"bfloat16"`; left to itself it would
            take bfloat16 on a processor that has it.

    Raises:
        KerassegError: If there is no such file, its runtime is not installed, kerasseg did not
            export it, or it is damaged.

    Example:
        >>> open_artifact("missing.onnx")
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: no such file: missing.onnx.
    """
    file = Path(path)
    if precision not in PRECISION_HINTS:
        raise unknown_name("precision of OpenVINO's computation", precision, PRECISION_HINTS)
    if not file.is_file():
        raise KerassegError(f"no such file: {file}.")
    if file.suffix not in SUFFIXES:
        raise KerassegError(
            f"{file} ends in {file.suffix or 'nothing'}: give a file that ends in "
            f"{', '.join(SUFFIXES)}, or the directory of a SavedModel."
        )
    try:
        session = _opened(file, threads, precision)
    except KerassegError as error:
        raise KerassegError(f"{file}: {error}") from None
    except Exception as error:  # each runtime has exceptions of its own, some of them bare
        raise KerassegError(
            f"{file} cannot be loaded: {first_line(error)}. Export it again."
        ) from error
    session.path = file
    return session


def _opened(file: Path, threads: int, precision: str) -> ArtifactSession:
    if file.suffix == ".onnx":
        return _OnnxSession(file, threads)
    if file.suffix == ".tflite":
        return _LiteRTSession(file, threads)
    return _OpenVINOSession(file, threads, precision)


def record_file(path: Path) -> Path:
    """Returns where the record of a format lies that holds no metadata: beside the file."""
    return path.with_name(path.name + RECORD_SUFFIX)


def _runtime_info(model: Any) -> dict[str, str]:
    if not model.has_rt_info([RECORD_KEY]):
        return {}
    found = model.get_rt_info([RECORD_KEY])
    values = found.value if hasattr(found, "value") else found
    return {name: str(getattr(value, "value", value)) for name, value in values.items()}
