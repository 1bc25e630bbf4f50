"""int8 for ONNX Runtime, by its own static quantization.

What is measured, on EfficientFCN with `efficientnet_lite0`, and decides what is quantized:

- An activation (Relu, Clip) is quantized with the conv before it: the range of what a ReLU6 gives
  is 0..6, that of what it gets ten times as wide.
- Activations are uint8: with int8 ONNX Runtime does not merge them into the conv, and 25 of 59
  convs are computed in float32.
- The first conv stays in float32: its input, three channels of normalized pixels, is where 8 bits
  take the most, and one with three channels gains least from them.
- So does what lies before it and behind the classifier: the softmax and the resize of the logits.
"""

import logging
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kerasseg.formats.extras import imported

_QUANTIZED = ("Conv", "Clip", "Relu", "Add", "Concat", "Mul", "MaxPool")


def quantized(path: Path, images: Sequence[np.ndarray]) -> Any:
    """Returns a float32 model with its convs in int8, as an `onnx.ModelProto`.

    Args:
        path: The model.
        images: uint8 `(H, W, 3)`, by which the range of each value is found.
    """
    quantization = imported("onnxruntime.quantization")
    shapes = imported("onnxruntime.quantization.shape_inference")
    onnx = imported("onnx")
    with tempfile.TemporaryDirectory(prefix="kerasseg-int8-") as folder, _quiet():
        prepared, result = Path(folder, "prepared.onnx"), Path(folder, "int8.onnx")
        shapes.quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(prepared),
            str(result),
            _reader(quantization, images),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=[*_QUANTIZED],
            nodes_to_exclude=_outer_nodes(onnx.load(prepared).graph),
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
        )
        return onnx.load(result)


def _reader(quantization: Any, images: Sequence[np.ndarray]) -> Any:
    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._rest: Iterator[np.ndarray] = iter(images)

        def get_next(self) -> dict[str, np.ndarray] | None:
            image = next(self._rest, None)
            return None if image is None else {"pixels": image[None]}

    return Reader()


def _outer_nodes(graph: Any) -> list[str]:
    """Returns the names of the nodes up to the first convs and behind the last ones."""
    makers = {name: node for node in graph.node for name in node.output}
    users = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            users[name].append(node)

    def before(node: Any) -> list[Any]:
        return [makers[name] for name in node.input if name in makers]

    def behind(node: Any) -> list[Any]:
        return [user for name in node.output for user in users[name]]

    convs = {node.name: node for node in graph.node if node.op_type == "Conv"}
    outer: set[str] = set()
    for name, conv in convs.items():
        earlier, later = _reached(conv, before), _reached(conv, behind)
        if not earlier & convs.keys():
            outer |= earlier | {name}
        if not later & convs.keys():
            outer |= later
    return sorted(outer)


def _reached(start: Any, next_of: Any) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for node in next_of(waiting.pop()):
            if node.name not in found:
                found.add(node.name)
                waiting.append(node)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what ONNX Runtime says to whoever quantizes by hand from the root logger."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
