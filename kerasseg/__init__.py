"""RefineNet and EfficientFCN for Keras: semantic segmentation from pixels to TensorFlow Serving."""

from kerasseg import (
    backbones,
    data,
    evaluation,
    formats,
    layers,
    losses,
    optimizers,
    schedules,
    visualization,
)
from kerasseg.evaluation import evaluate, predict
from kerasseg.formats import export_litert, export_onnx, export_openvino
from kerasseg.label_set import LabelSet
from kerasseg.macs import count_macs
from kerasseg.models import (
    DilatedFCN,
    EfficientFCN,
    LightWeightRefineNet,
    RefineNet,
    dilated_fcn_decoder,
    efficientfcn_decoder,
    freeze_backbone,
    freeze_stages,
    light_weight_refinenet_decoder,
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
    "LightWeightRefineNet",
    "RefineNet",
    "__version__",
    "backbones",
    "count_macs",
    "data",
    "dilated_fcn_decoder",
    "efficientfcn_decoder",
    "evaluate",
    "evaluation",
    "export_litert",
    "export_onnx",
    "export_openvino",
    "export_saved_model",
    "formats",
    "freeze_backbone",
    "freeze_stages",
    "layers",
    "light_weight_refinenet_decoder",
    "load",
    "losses",
    "optimizers",
    "predict",
    "refinenet_decoder",
    "schedules",
    "unfreeze_backbone",
    "visualization",
    "weighting_maps",
]
