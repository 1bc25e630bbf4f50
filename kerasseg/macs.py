"""The cost of a model: multiply-adds of its convolutions and matrix products, from shapes."""

import math
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.layers.bilinear import INTERPOLATION_SCOPE

Shape: TypeAlias = tuple[int, ...]

# TensorFlow names its operations after what they do. Those that match and have no formula below
# are refused; all others (element-wise, pooling, resizing, normalisation, moves) count nothing.
_MULTIPLIES = re.compile(
    r"Conv|MatMul|Einsum|FFT|RNN|LSTM|GRU|Dot|Correlation|Cholesky|Svd|Qr$|Solve|PyFunc|Xla"
    r"|Matrix(?!Diag|SetDiag|BandPart)"
)
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_BRANCHES = re.compile("While|If$|Case")


def count_macs(model: keras.Model, size: tuple[int, int]) -> int:
    """Returns the multiply-adds that a model needs for one image, without running it.

    Convolutions (grouped, depthwise, separable and transposed ones too), dense layers and matrix
    products count, in whatever layer they lie; a layer that is used twice counts twice. Resizes,
    poolings, normalisation and element-wise operations do not. The graph of inference is traced
    once for the size, and no tensor is computed.

    Args:
        model: A model from one image, `(N, H, W, C)`, to anything.
        size: Height and width of the image, in pixels.

    Raises:
        KerassegError: If the model takes other inputs or no image of this size, or its graph
            holds an operation that multiplies and has no formula here.

    Example:
        >>> pixels = keras.Input((None, None, 3))
        >>> model = keras.Model(pixels, keras.layers.Conv2D(8, 5, strides=2)(pixels))
        >>> count_macs(model, (65, 33))  # 31 x 15 positions of 5 x 5 x 3 x 8
        279000
    """
    image = tf.TensorSpec(_image_shape(model, size), model.inputs[0].dtype)
    traced = tf.function(lambda images: model(images, training=False)).get_concrete_function(image)
    return sum(_macs(operation) for operation in _operations(traced.graph))


def _image_shape(model: keras.Model, size: tuple[int, int]) -> Shape:
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][-1] is None:
        raise KerassegError(
            f"count_macs takes a model of one image (N, H, W, C); {model.name!r} takes inputs of "
            f"the shapes {shapes}."
        )
    if any(side not in (None, wanted) for side, wanted in zip(shapes[0][1:3], size, strict=True)):
        raise KerassegError(
            f"{model.name!r} takes images of the shape {shapes[0][1:]}, not of {size}; give that "
            "size, or build the model with input_shape=(None, None, channels)."
        )
    return (1, *size, shapes[0][-1])


def _operations(graph: tf.Graph) -> Iterator[tf.Operation]:
    """Yields the operations of a graph and of the functions that it calls."""
    for operation in graph.get_operations():
        if operation.type in _CALLS:
            yield from _operations(graph._get_function(operation.get_attr("f").name).graph)
        elif _BRANCHES.search(operation.type):
            _refuse_products_in(operation)
        else:
            yield operation


def _refuse_products_in(branching: tf.Operation) -> None:
    """Shapes do not tell how often a loop turns, or which branch is taken."""
    for attribute in branching.node_def.attr.values():
        for function in (attribute.func, *attribute.list.func):
            if function.name:
                inner = branching.graph._get_function(function.name).graph
                if any(_macs(operation) for operation in _operations(inner)):
                    raise KerassegError(
                        f"{branching.name} multiplies in a loop or branch ({branching.type}); "
                        "count_macs counts only what every image goes through once."
                    )


def _macs(operation: tf.Operation) -> int:
    counted = _FORMULAS.get(operation.type)
    if counted is None:
        if _MULTIPLIES.search(operation.type):
            raise KerassegError(
                f"count_macs has no formula for {operation.name} ({operation.type})."
            )
        return 0
    if any(part.startswith(INTERPOLATION_SCOPE) for part in operation.name.split("/")):
        return 0
    return counted(operation)


def _shape(tensor: tf.Tensor) -> Shape:
    if not tensor.shape.is_fully_defined():
        raise KerassegError(
            f"the shape of {tensor.name}, {tensor.shape}, does not follow from the image's size, "
            "so its products cannot be counted."
        )
    return tuple(tensor.shape)


def _result(operation: tf.Operation) -> Shape:
    """Returns the shape of a conv's output.

    TensorFlow lays the pixels of a dilated conv out as a batch of coarser images, padded to equal
    sizes; what it cuts off afterwards is not part of the conv.
    """
    output = operation.outputs[0]
    layouts = [user for user in output.consumers() if user.type == "BatchToSpaceND"]
    return _shape(layouts[0].outputs[0] if layouts else output)


def _conv(operation: tf.Operation) -> int:
    return math.prod(_result(operation)) * math.prod(_shape(operation.inputs[1])[:-1])


def _depthwise_conv(operation: tf.Operation) -> int:
    return math.prod(_result(operation)) * math.prod(_shape(operation.inputs[1])[:-2])


def _transposed_conv(operation: tf.Operation) -> int:
    _, kernel, image = operation.inputs
    return math.prod(_shape(image)) * math.prod(_shape(kernel)[:-1])


def _product(transposed: str) -> Callable[[tf.Operation], int]:
    """Returns the formula of a matrix product; `transposed` is the attribute of its first input."""

    def macs(operation: tf.Operation) -> int:
        inner = _shape(operation.inputs[0])[-2 if operation.get_attr(transposed) else -1]
        return math.prod(_shape(operation.outputs[0])) * inner

    return macs


def _einsum(operation: tf.Operation) -> int:
    equation = operation.get_attr("equation").decode()
    if "..." in equation:
        raise KerassegError(f"count_macs has no formula for {operation.name} ({equation}).")
    sizes: dict[str, int] = {}
    terms = equation.split("->")[0].split(",")
    for term, tensor in zip(terms, operation.inputs, strict=True):
        sizes |= dict(zip(term, _shape(tensor), strict=True))
    return math.prod(sizes.values())


_FORMULAS: dict[str, Callable[[tf.Operation], int]] = {
    "BatchMatMul": _product("adj_x"),
    "BatchMatMulV2": _product("adj_x"),
    "BatchMatMulV3": _product("adj_x"),
    "Conv2D": _conv,
    "Conv2DBackpropInput": _transposed_conv,
    "Conv3D": _conv,
    "Conv3DBackpropInputV2": _transposed_conv,
    "DepthwiseConv2dNative": _depthwise_conv,
    "Einsum": _einsum,
    "MatMul": _product("transpose_a"),
}
