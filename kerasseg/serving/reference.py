"""The Keras model that an exported file is compared with."""

from collections.abc import Callable
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf

from kerasseg.evaluation.inference.protocol import Protocol
from kerasseg.evaluation.inference.views import Views
from kerasseg.serving.assets import ExportRecord
from kerasseg.serving.slimming import precision_of, slim

Probabilities: TypeAlias = Callable[[np.ndarray], np.ndarray]


def reference(model: keras.Model, protocol: Protocol) -> Probabilities:
    """Returns the function of pixels `(H, W, 3)` to probabilities `(H, W, C)`, traced once.

    Args:
        model: It runs as `predict` and `evaluate` run it, as one graph.
        protocol: The views over which probabilities are averaged.
    """
    spec = tf.TensorSpec([1, None, None, 3], tf.float32)
    views = Views(model, protocol)
    function = tf.function(views.probabilities, input_signature=[spec], autograph=False)
    return lambda pixels: function(tf.constant(pixels[None], tf.float32)).numpy()[0]


def saved_model_reference(model: keras.Model, record: ExportRecord) -> Probabilities:
    """Returns the reference of a SavedModel: `model` as the record says that it was exported."""
    exported = as_exported(model, record.precision, bool(record.folded))
    return reference(exported, record.views)


def as_exported(model: keras.Model, precision: str, fold: bool = False) -> keras.Model:
    """Returns a model in the precision of an export; in float32 it may be the model itself.

    Args:
        model: The Keras model.
        precision: What the export computes in.
        fold: Whether batch norms are folded as they are there, where that makes a difference.
    """
    if precision == "float32" == precision_of(model):
        return model
    return slim(model, fold=fold, precision=precision).model
