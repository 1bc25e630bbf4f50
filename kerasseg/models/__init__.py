"""The architectures, one a file: a decoder over feature maps, and the builder of a model."""

from kerasseg.models.dilated_fcn import DilatedFCN, dilated_fcn_decoder
from kerasseg.models.efficientfcn import EfficientFCN, efficientfcn_decoder
from kerasseg.models.freezing import freeze_backbone, freeze_stages, unfreeze_backbone
from kerasseg.models.light_weight_refinenet import (
    LightWeightRefineNet,
    light_weight_refinenet_decoder,
)
from kerasseg.models.model_file import load
from kerasseg.models.refinenet import RefineNet, refinenet_decoder
from kerasseg.models.weighting_maps import weighting_maps

__all__ = [
    "DilatedFCN",
    "EfficientFCN",
    "LightWeightRefineNet",
    "RefineNet",
    "dilated_fcn_decoder",
    "efficientfcn_decoder",
    "freeze_backbone",
    "freeze_stages",
    "light_weight_refinenet_decoder",
    "load",
    "refinenet_decoder",
    "unfreeze_backbone",
    "weighting_maps",
]
