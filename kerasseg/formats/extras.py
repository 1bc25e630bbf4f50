"""The packages that other formats than the SavedModel need."""

import importlib
from typing import Any

from kerasseg.errors import KerassegError

_EXTRAS = {
    "onnx": "onnx",
    "tf2onnx": "onnx",
    "onnxruntime": "onnx",
    "ai_edge_litert": "litert",
    "openvino": "openvino",
}


def imported(module: str) -> Any:
    """Returns a module of one of the extras `onnx`, `litert` and `openvino`.

    Args:
        module: Its name: `"ai_edge_litert.interpreter"`.

    Raises:
        KerassegError: If its package is not installed.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError:
        raise KerassegError(
            f"{package} is not installed: pip install 'kerasseg[{_EXTRAS[package]}]'."
        ) from None
