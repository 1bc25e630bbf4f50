"""From a network to a graph in ONNX, by tf2onnx, with its weights put in afterwards."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from kerasseg.errors import KerassegError, first_line
from kerasseg.formats.extras import imported
from kerasseg.formats.network import ExportedNetwork
from kerasseg.formats.weightless import WeightlessGraph, weightless_graph

OPSET = 18  # the highest that tf2onnx writes
MOST_WEIGHT_BYTES = 1_900_000_000  # a file is one protobuf message, of at most 2 GiB
_AXES = ("batch", "height", "width")


def onnx_graph(network: ExportedNetwork) -> Any:
    """Returns a network as an `onnx.ModelProto`: input `pixels`, output after `network.output`.

    Raises:
        KerassegError: If a part of it has no counterpart in ONNX, or it is too large for a file.
    """
    if network.weight_bytes() > MOST_WEIGHT_BYTES:
        raise KerassegError(
            f"the weights take {network.weight_bytes() / 1e9:.1f} GB, and an ONNX file holds at "
            "most 2 GB: serve this model as a SavedModel (export.saved_model)."
        )
    traced = weightless_graph(network)
    proto = _converted(traced, network.output)
    _put_in_weights(proto.graph, traced)
    _name_axes(proto.graph, network)
    return proto


def _converted(traced: WeightlessGraph, output: str) -> Any:
    tf2onnx = imported("tf2onnx")
    names = {name: name.partition(":")[0] for name in traced.weights}
    with _complaints() as complaints:
        proto, _ = tf2onnx.convert.from_graph_def(
            traced.graph_def,
            name="kerasseg",
            input_names=[traced.pixels, *traced.weights],
            output_names=[traced.output],
            opset=OPSET,
            tensors_to_rename={traced.pixels: "pixels", traced.output: output, **names},
        )
    if complaints:
        raise KerassegError(
            f"this model cannot be converted to ONNX: {'; '.join(complaints[:3])}. Serve it as a "
            "SavedModel (export.saved_model), or build it with another backbone."
        )
    return proto


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collects what tf2onnx logs as an error, and goes on after, with a graph that is wrong."""
    found: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said = first_line(Exception(record.getMessage()))
            if not said.startswith("Unsupported ops"):  # which says the same again
                found.append(said)

    logger, collect = logging.getLogger("tf2onnx"), Collect(logging.ERROR)
    others = logging.getLogger("tensorflow")
    levels, passed_on = (logger.level, others.level), logger.propagate
    logger.addHandler(collect)
    logger.propagate = False
    # Of functions of TensorFlow that tf2onnx should no longer call.
    others.setLevel(logging.ERROR)
    try:
        yield found
    finally:
        logger.removeHandler(collect)
        logger.propagate = passed_on
        logger.setLevel(levels[0])
        others.setLevel(levels[1])


def _put_in_weights(graph: Any, traced: WeightlessGraph) -> None:
    """Makes initializers of the inputs that stand for weights, in the order that nodes want."""
    numpy_helper = imported("onnx.numpy_helper")

    weights = {name.partition(":")[0]: weight for name, weight in traced.weights.items()}
    arrays = {name: weight.numpy() for name, weight in weights.items()}
    constants = {each.name: each for each in graph.initializer}
    moving = []
    for place, node in enumerate(graph.node):
        if node.op_type in ("Transpose", "Reshape") and node.input[0] in arrays:
            arrays[node.output[0]] = _moved(node, arrays[node.input[0]], constants)
            moving.append(place)
    for place in reversed(moving):
        del graph.node[place]
    for place in reversed(range(len(graph.input))):
        if graph.input[place].name in weights:
            del graph.input[place]
    wanted = {name for node in graph.node for name in node.input}
    for name in sorted(wanted & arrays.keys()):
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(arrays[name]), name))
    for place in reversed(range(len(graph.initializer))):
        if graph.initializer[place].name not in wanted:
            del graph.initializer[place]


def _moved(node: Any, values: np.ndarray, constants: dict[str, Any]) -> np.ndarray:
    """Returns the values of a weight as a Transpose or a Reshape arranges them."""
    helper, numpy_helper = imported("onnx.helper"), imported("onnx.numpy_helper")

    if node.op_type == "Reshape":
        return values.reshape(numpy_helper.to_array(constants[node.input[1]]))
    (order,) = [helper.get_attribute_value(each) for each in node.attribute if each.name == "perm"]
    return values.transpose(order)


def _name_axes(graph: Any, network: ExportedNetwork) -> None:
    """Names the axes of input and output, and forgets the shapes between, which have no names."""
    del graph.value_info[:]
    for tensor in (*graph.input, *graph.output):
        for axis, name in zip(tensor.type.tensor_type.shape.dim, _AXES, strict=False):
            axis.dim_param = name
    if network.output == "probabilities":
        graph.output[0].type.tensor_type.shape.dim[-1].dim_value = network.num_classes
