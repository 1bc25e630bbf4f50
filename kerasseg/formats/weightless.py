"""A graph whose large weights are inputs: a converter sees their shapes and carries none of them.

tf2onnx copies the graph, constants and all, once for each of a dozen optimizers, several times
over: with the 0.44 GB of a RefineNet-101 in it that takes more memory than 23 GB.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasseg.formats.network import ExportedNetwork

_MOST_CONSTANT = 1024  # values; what is smaller, and every vector, stays in the graph


@dataclass(frozen=True)
class WeightlessGraph:
    """What `weightless_graph` returns.

    Attributes:
        graph_def: The graph, in one piece: no variables, and no function that it calls.
        pixels: Name of the input.
        output: Name of the output.
        weights: The large weights by the names of the inputs that stand for them.
    """

    graph_def: Any
    pixels: str
    output: str
    weights: dict[str, keras.Variable]


def weightless_graph(network: ExportedNetwork) -> WeightlessGraph:
    """Returns the graph of a network with an input for each large weight."""
    weights = network.float_weights
    large = [weight for weight in weights if _is_large(weight)]
    small = [(weight, weight.numpy()) for weight in weights if not _is_large(weight)]

    def call(pixels: tf.Tensor, *values: tf.Tensor) -> tf.Tensor:
        constants = [(weight, tf.constant(value)) for weight, value in small]
        with keras.StatelessScope(state_mapping=[*zip(large, values, strict=True), *constants]):
            return network(pixels)

    specs = [tf.TensorSpec([None, None, None, 3], tf.uint8, name="pixels"), *_specs(large)]
    function = tf.function(call, autograph=False).get_concrete_function(*specs)
    pixels, *places = [tensor.name for tensor in function.inputs]
    return WeightlessGraph(
        graph_def=function.graph.as_graph_def(),
        pixels=pixels,
        output=function.outputs[0].name,
        weights=dict(zip(places, large, strict=True)),
    )


def _specs(weights: Sequence[keras.Variable]) -> list[tf.TensorSpec]:
    return [
        tf.TensorSpec(weight.shape, tf.float32, name=f"weight_{place}")
        for place, weight in enumerate(weights)
    ]


def _is_large(weight: keras.Variable) -> bool:
    return len(weight.shape) > 1 and int(np.prod(weight.shape)) > _MOST_CONSTANT
