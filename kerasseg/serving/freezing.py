"""Weights as constants of the graph."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2_as_graph,
)

# A graph is one protobuf message, of at most 2 GiB; the rest of it needs room too.
MOST_FROZEN_BYTES = 1_500_000_000
# Unasked only up to here: four signatures that have run held constants some twenty to fifty times
# over, 12.6 GB for EfficientFCN on ResNet-101.
FROZEN_UNASKED_BYTES = 64_000_000
_LOW = (tf.bfloat16.as_datatype_enum, tf.float16.as_datatype_enum)


def weight_bytes(model: keras.Model) -> int:
    """Returns how much room the weights of a model take.

    Example:
        >>> images = keras.Input((8, 8, 3))
        >>> weight_bytes(keras.Model(images, keras.layers.Conv2D(2, 1)(images)))
        32
    """
    return sum(
        int(np.prod(weight.shape)) * tf.as_dtype(weight.dtype).size for weight in model.weights
    )


def frozen_function(function: Any) -> Any:
    """Returns a function of a graph in which the weights are constants.

    A weight that is cast to 16 bits wherever it is used is stored in 16 bits.

    Args:
        function: A concrete function with one input and one output.
    """
    frozen, graph = convert_variables_to_constants_v2_as_graph(function, lower_control_flow=False)
    if not _cast_constants(graph):
        return frozen
    _wait_for_no_constant(graph)
    (given,), (taken,) = frozen.inputs, frozen.outputs
    function = tf.compat.v1.wrap_function(
        lambda pixels: tf.graph_util.import_graph_def(
            graph, input_map={given.name: pixels}, return_elements=[taken.name], name=""
        ),
        [tf.TensorSpec(given.shape, given.dtype)],
    )
    # Without what is now used by nothing: the weights in 32 bits.
    return function.prune(function.inputs, function.outputs)


def _wait_for_no_constant(graph: Any) -> None:
    """Takes out the order in which variables were read: it would keep every constant in use."""
    nodes = {node.name: node for node in graph.node}
    for node in graph.node:
        kept = [
            name
            for name in node.input
            if not name.startswith("^") or _constant(name[1:], nodes) is None
        ]
        del node.input[:]
        node.input.extend(kept)


def _cast_constants(graph: Any) -> int:
    """Makes each cast of a constant to 16 bits a constant, and returns how many there were."""
    nodes = {node.name: node for node in graph.node}
    count = 0
    for node in graph.node:
        if node.op != "Cast" or node.attr["DstT"].type not in _LOW:
            continue
        source = _constant(node.input[0], nodes)
        if source is None:
            continue
        dtype = tf.as_dtype(node.attr["DstT"].type)
        values = tf.make_ndarray(source.attr["value"].tensor).astype(dtype.as_numpy_dtype)
        name = node.name
        node.Clear()
        node.name, node.op = name, "Const"
        node.attr["dtype"].type = dtype.as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values, dtype))
        count += 1
    return count


def _constant(name: str, nodes: Mapping[str, Any]) -> Any:
    """Returns the constant that a node's input is, straight or handed on; None if it is none."""
    node = nodes.get(name.partition(":")[0])
    while node is not None and node.op == "Identity":
        node = nodes.get(node.input[0].partition(":")[0])
    return node if node is not None and node.op == "Const" else None
