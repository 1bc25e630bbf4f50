"""Semantic segmentation for Keras: RefineNet and EfficientFCN, from pixels to TensorFlow Serving."""

from kerasseg.version import __version__

__all__ = ["__version__"]
