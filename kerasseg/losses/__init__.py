"""Losses over label maps with void pixels, whose values do not depend on the number of replicas."""

from kerasseg.losses.boundary_crossentropy import BoundaryCrossentropy
from kerasseg.losses.dice_loss import DiceLoss
from kerasseg.losses.focal_loss import FocalLoss
from kerasseg.losses.lovasz_softmax import LovaszSoftmax
from kerasseg.losses.ohem_crossentropy import OHEMCrossentropy
from kerasseg.losses.segmentation_crossentropy import SegmentationCrossentropy
from kerasseg.losses.weighted_sum import WeightedSum

__all__ = [
    "BoundaryCrossentropy",
    "DiceLoss",
    "FocalLoss",
    "LovaszSoftmax",
    "OHEMCrossentropy",
    "SegmentationCrossentropy",
    "WeightedSum",
]
