"""RefineNet and EfficientFCN for Keras: semantic segmentation from pixels to TensorFlow Serving."""

from kerasseg import backbones, data, evaluation, layers, losses, optimizers, schedules
from kerasseg.label_set import LabelSet
from kerasseg.models import EfficientFCN, RefineNet, efficientfcn_decoder, refinenet_decoder
from kerasseg.serving import export_saved_model
from kerasseg.version import __version__

__all__ = [
    "EfficientFCN",
    "LabelSet",
    "RefineNet",
    "__version__",
    "backbones",
    "data",
    "efficientfcn_decoder",
    "evaluation",
    "export_saved_model",
    "layers",
    "losses",
    "optimizers",
    "refinenet_decoder",
    "schedules",
]
