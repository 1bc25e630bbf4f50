"""Backbones: from a name, or a model of one's own, to feature maps at strides 4, 8, 16 and 32."""

from kerasseg.backbones.catalogue import names
from kerasseg.backbones.feature_pyramid import create

__all__ = ["create", "names"]
