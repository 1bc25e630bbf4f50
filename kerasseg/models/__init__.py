"""The architectures, one a file: a decoder over feature maps, and the builder of a model."""

from kerasseg.models.efficientfcn import EfficientFCN, efficientfcn_decoder
from kerasseg.models.refinenet import RefineNet, refinenet_decoder

__all__ = ["EfficientFCN", "RefineNet", "efficientfcn_decoder", "refinenet_decoder"]
