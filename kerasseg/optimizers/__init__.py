"""Keras' optimizers for parts that learn at rates of their own, on one device and on several."""

from kerasseg.optimizers.conv_muon import ConvMuon
from kerasseg.optimizers.loss_scaling import LossScaling
from kerasseg.optimizers.multiplied import with_multipliers
from kerasseg.optimizers.multipliers import part_multipliers, variable_multipliers

__all__ = [
    "ConvMuon",
    "LossScaling",
    "part_multipliers",
    "variable_multipliers",
    "with_multipliers",
]
