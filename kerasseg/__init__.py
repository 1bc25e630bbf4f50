"""RefineNet and EfficientFCN for Keras: semantic segmentation from pixels to TensorFlow Serving."""

from kerasseg import backbones, data, evaluation, layers, losses, optimizers, schedules
from kerasseg.label_set import LabelSet
from kerasseg.models import (
    DilatedFCN,
    EfficientFCN,
    RefineNet,
    dilated_fcn_decoder,
    efficientfcn_decoder,
    freeze_backbone,
    load,
    refinenet_decoder,
    unfreeze_backbone,
    weighting_maps,
)
from kerasseg.serving import export_saved_model
from kerasseg.version import __version__

__all__ = [
    "DilatedFCN",
    "EfficientFCN",
    "LabelSet",
    "RefineNet",
    "__version__",
    "backbones",
    "data",
    "dilated_fcn_decoder",
    "efficientfcn_decoder",
    "evaluation",
    "export_saved_model",
    "freeze_backbone",
    "layers",
    "load",
    "losses",
    "optimizers",
    "refinenet_decoder",
    "schedules",
    "unfreeze_backbone",
    "weighting_maps",
]
