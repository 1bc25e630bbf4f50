"""A server for trying out an exported model: TensorFlow Serving's REST interface, and a page."""

from kerasseg.serving.preview.served_model import ServedModel
from kerasseg.serving.preview.server import PreviewOptions, preview_in_background, run_preview

__all__ = ["PreviewOptions", "ServedModel", "preview_in_background", "run_preview"]
