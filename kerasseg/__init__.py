"""Semantic segmentation for Keras: RefineNet and EfficientFCN, from pixels to TensorFlow Serving."""

from kerasseg import backbones, layers
from kerasseg.models import EfficientFCN, RefineNet, efficientfcn_decoder, refinenet_decoder
from kerasseg.version import __version__

__all__ = [
    "EfficientFCN",
    "RefineNet",
    "__version__",
    "backbones",
    "efficientfcn_decoder",
    "layers",
    "refinenet_decoder",
]
