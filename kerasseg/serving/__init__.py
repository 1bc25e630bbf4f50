"""From a Keras model to what is served: signatures, export, warm-up and verification."""

from kerasseg.serving.assets import ExportRecord, read_record
from kerasseg.serving.comparison import Comparison
from kerasseg.serving.description import describe_signatures
from kerasseg.serving.saved_model import export_saved_model
from kerasseg.serving.signatures import SegmentationSignatures
from kerasseg.serving.verification import Verification, verify_saved_model
from kerasseg.serving.versions import latest_version

__all__ = [
    "Comparison",
    "ExportRecord",
    "SegmentationSignatures",
    "Verification",
    "describe_signatures",
    "export_saved_model",
    "latest_version",
    "read_record",
    "verify_saved_model",
]
