"""The architectures, one a file: a decoder over feature maps, and the builder of a model."""

from kerasseg.models.dilated_fcn import DilatedFCN, dilated_fcn_decoder
from kerasseg.models.efficientfcn import EfficientFCN, efficientfcn_decoder
from kerasseg.models.freezing import freeze_backbone, unfreeze_backbone
from kerasseg.models.model_file import load
from kerasseg.models.refinenet import RefineNet, refinenet_decoder
from kerasseg.models.weighting_maps import weighting_maps

__all__ = [
    "DilatedFCN",
    "EfficientFCN",
    "RefineNet",
    "dilated_fcn_decoder",
    "efficientfcn_decoder",
    "freeze_backbone",
    "load",
    "refinenet_decoder",
    "unfreeze_backbone",
    "weighting_maps",
]
