"""TensorFlow's C library out of the installed wheel, with the types of its functions."""

import ctypes
import importlib.util
import sys
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

TSTRING_BYTES = 24  # sizeof(TF_TString) where pointers have 64 bits


class SavedModelError(RuntimeError):
    """What TensorFlow's C API answered instead of a result."""


class Buffer(ctypes.Structure):
    """TF_Buffer."""

    _fields_ = (("data", c_void_p), ("length", c_size_t), ("deallocator", c_void_p))


class Output(ctypes.Structure):
    """TF_Output: a tensor by the operation that makes it and its place there."""

    _fields_ = (("operation", c_void_p), ("index", c_int))


# What each function returns, and what it takes. Graphs, sessions, tensors, statuses and strings
# are opaque pointers.
_PROTOTYPES: dict[str, tuple[Any, list[Any]]] = {
    "TF_Version": (c_char_p, []),
    "TF_NewStatus": (c_void_p, []),
    "TF_GetCode": (c_int, [c_void_p]),
    "TF_Message": (c_char_p, [c_void_p]),
    "TF_DeleteStatus": (None, [c_void_p]),
    "TF_NewGraph": (c_void_p, []),
    "TF_DeleteGraph": (None, [c_void_p]),
    "TF_GraphOperationByName": (c_void_p, [c_void_p, c_char_p]),
    "TF_GetAllRegisteredKernels": (POINTER(Buffer), [c_void_p]),
    "TF_NewBuffer": (POINTER(Buffer), []),
    "TF_DeleteBuffer": (None, [POINTER(Buffer)]),
    "TF_NewSessionOptions": (c_void_p, []),
    "TF_DeleteSessionOptions": (None, [c_void_p]),
    "TF_LoadSessionFromSavedModel": (
        c_void_p,
        [
            *(c_void_p, c_void_p, c_char_p, POINTER(c_char_p), c_int),
            *(c_void_p, POINTER(Buffer), c_void_p),
        ],
    ),
    "TF_CloseSession": (None, [c_void_p, c_void_p]),
    "TF_DeleteSession": (None, [c_void_p, c_void_p]),
    "TF_SessionRun": (
        None,
        [
            *(c_void_p, c_void_p),
            *(POINTER(Output), POINTER(c_void_p), c_int),
            *(POINTER(Output), POINTER(c_void_p), c_int),
            *(c_void_p, c_int, c_void_p, c_void_p),
        ],
    ),
    "TF_AllocateTensor": (c_void_p, [c_int, POINTER(c_int64), c_int, c_size_t]),
    "TF_DeleteTensor": (None, [c_void_p]),
    "TF_TensorData": (c_void_p, [c_void_p]),
    "TF_TensorByteSize": (c_size_t, [c_void_p]),
    "TF_TensorType": (c_int, [c_void_p]),
    "TF_NumDims": (c_int, [c_void_p]),
    "TF_Dim": (c_int64, [c_void_p, c_int]),
    "TF_StringInit": (None, [c_void_p]),
    "TF_StringCopy": (None, [c_void_p, c_char_p, c_size_t]),
    "TF_StringDealloc": (None, [c_void_p]),
    "TF_StringGetDataPointer": (c_void_p, [c_void_p]),
    "TF_StringGetSize": (c_size_t, [c_void_p]),
}


def load_library(folder: Path | None = None) -> ctypes.CDLL:
    """Returns TensorFlow's C library without importing the Python package that ships it.

    Args:
        folder: Where `libtensorflow_cc.so.2` and `libtensorflow_framework.so.2` lie; None for
            the folder of the package `tensorflow`.

    Raises:
        SavedModelError: If the libraries are not there.
    """
    folder = folder or _package_folder()
    names = ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2")
    if sys.platform == "darwin":
        names = ("libtensorflow_framework.2.dylib", "libtensorflow_cc.2.dylib")
    for name in names:
        if not (folder / name).is_file():
            raise SavedModelError(f"{folder} holds no {name}.")
    # The second library finds the symbols of the first only if those are global.
    _, library = [ctypes.CDLL(str(folder / name), mode=ctypes.RTLD_GLOBAL) for name in names]
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _package_folder() -> Path:
    found = importlib.util.find_spec("tensorflow")
    if found is None or not found.submodule_search_locations:
        raise SavedModelError("the package tensorflow, which ships the C library, is missing.")
    return Path(next(iter(found.submodule_search_locations)))
