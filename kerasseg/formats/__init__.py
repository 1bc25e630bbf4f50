"""Other formats than the SavedModel: ONNX, LiteRT and OpenVINO, all of the same network."""

from kerasseg.formats.calibration import Calibration, calibration_of_run
from kerasseg.formats.hostile import hostile_images
from kerasseg.formats.limits import LIMITS, Limits
from kerasseg.formats.litert import LITERT_PRECISIONS, export_litert
from kerasseg.formats.network import OUTPUTS, ExportedNetwork
from kerasseg.formats.onnx_file import ONNX_PRECISIONS, export_onnx
from kerasseg.formats.openvino_file import OPENVINO_PRECISIONS, export_openvino
from kerasseg.formats.record import ArtifactRecord
from kerasseg.formats.score import LabelledImages, Score, labelled_images_of_run
from kerasseg.formats.sessions import ArtifactSession, open_artifact
from kerasseg.formats.verification import ArtifactVerification, verify_artifact

__all__ = [
    "LIMITS",
    "LITERT_PRECISIONS",
    "ONNX_PRECISIONS",
    "OPENVINO_PRECISIONS",
    "OUTPUTS",
    "ArtifactRecord",
    "ArtifactSession",
    "ArtifactVerification",
    "Calibration",
    "ExportedNetwork",
    "LabelledImages",
    "Limits",
    "Score",
    "calibration_of_run",
    "export_litert",
    "export_onnx",
    "export_openvino",
    "hostile_images",
    "labelled_images_of_run",
    "open_artifact",
    "verify_artifact",
]
