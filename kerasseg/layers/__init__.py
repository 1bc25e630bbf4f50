"""The custom layers, one a file; all are registered under the package name `kerasseg`."""

from kerasseg.layers.chained_residual_pooling import ChainedResidualPooling
from kerasseg.layers.codebook_generation import CodebookGeneration
from kerasseg.layers.codeword_assembly import CodewordAssembly
from kerasseg.layers.crop_to import CropTo
from kerasseg.layers.multi_resolution_fusion import MultiResolutionFusion
from kerasseg.layers.pad_to_minimum import PadToMinimum
from kerasseg.layers.pixel_normalization import PixelNormalization
from kerasseg.layers.residual_conv_unit import ResidualConvUnit
from kerasseg.layers.resize_by import ResizeBy
from kerasseg.layers.resize_to import ResizeTo

__all__ = [
    "ChainedResidualPooling",
    "CodebookGeneration",
    "CodewordAssembly",
    "CropTo",
    "MultiResolutionFusion",
    "PadToMinimum",
    "PixelNormalization",
    "ResidualConvUnit",
    "ResizeBy",
    "ResizeTo",
]
