"""Batch-norm statistics for networks that were never trained."""

import keras
import numpy as np


def calibrate(model: keras.Model, images: np.ndarray) -> None:
    """Gives every batch norm the statistics of one batch, so that the signal reaches the output."""
    layers = model._flatten_layers()
    norms = [one for one in layers if isinstance(one, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    model(images, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
