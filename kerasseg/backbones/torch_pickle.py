"""Reading the tensors of an old-style PyTorch file without PyTorch and without running it.

Such a file (`torch.save` before version 1.6, or with `_use_new_zipfile_serialization=False`) is
a row of pickles: a magic number, the protocol version, a description of the machine, the object
with a reference in place of each storage, and the list of the storages' keys. The raw storages
follow, each after its number of elements. A pickle may call anything that it names, so here it
may name three things: the ordered dictionary, the function that makes a tensor, and the types of
storages.
"""

import math
import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from kerasseg.errors import KerassegError

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001

STORAGE_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


class _Storage(NamedTuple):
    dtype: str
    key: str
    length: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Refused(pickle.UnpicklingError):
    """The pickle names something that no file of tensors needs."""


class _TensorUnpickler(pickle.Unpickler):
    """An unpickler that knows tensors and ordered dictionaries, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._rebuild_tensor
        if module == "torch" and name in STORAGE_DTYPES:
            return STORAGE_DTYPES[name]
        raise _Refused(f"{module}.{name}")

    def persistent_load(self, reference: Any) -> _Storage:
        kind, dtype, key, _, length, view = reference
        if kind != "storage" or dtype not in STORAGE_DTYPES.values() or view is not None:
            raise pickle.UnpicklingError("a reference to something other than a whole storage")
        return _Storage(dtype, str(key), int(length))

    @staticmethod
    def _rebuild_tensor(
        storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
    ) -> _Tensor:
        return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


def read_tensors(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Returns the tensors of an old-style PyTorch file, by name.

    Args:
        path: A file that holds one dictionary of tensors, as `torch.save(model.state_dict())`
            wrote it.

    Raises:
        KerassegError: If there is no such file, it is of another format or truncated, or it
            names anything but tensors; what it names is never imported or called.
    """
    path = Path(path)
    if not path.is_file():
        raise KerassegError(f"no such weights file: {path}. Give the path of a .pth file.")
    try:
        with path.open("rb") as stream:
            return _read(stream)
    except _Refused as error:
        raise KerassegError(
            f"{path} is refused: its pickle asks for {error}, and only tensors are read.\nSave the "
            "tensors alone: torch.save(model.state_dict(), path, "
            "_use_new_zipfile_serialization=False)."
        ) from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise KerassegError(
            f"{path} is not a whole old-style PyTorch file of tensors ({error}). Fetch it again, "
            "or save it with torch.save(..., _use_new_zipfile_serialization=False)."
        ) from error


def _read(stream: IO[bytes]) -> dict[str, np.ndarray]:
    if _load(stream) != MAGIC_NUMBER or _load(stream) != PROTOCOL_VERSION:
        raise pickle.UnpicklingError("its magic number or version is another")
    if _load(stream)["little_endian"] is not True:
        raise pickle.UnpicklingError("it was written on a big-endian machine")
    tensors = _load(stream)
    if not isinstance(tensors, dict):
        raise pickle.UnpicklingError(f"it holds a {type(tensors).__name__}, no dictionary")
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise pickle.UnpicklingError(f"{name!r} is no tensor")
    lengths = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    storages = {key: _read_storage(stream, lengths[key]) for key in _load(stream)}
    return {name: _view(storages[t.storage.key], t) for name, t in tensors.items()}


def _load(stream: IO[bytes]) -> Any:
    return _TensorUnpickler(stream).load()


def _read_storage(stream: IO[bytes], storage: _Storage) -> np.ndarray:
    (length,) = struct.unpack("<q", stream.read(8))
    if length != storage.length:
        raise ValueError(f"storage {storage.key} has {length} elements, not {storage.length}")
    values = np.fromfile(stream, storage.dtype, length)
    if len(values) != length:
        raise EOFError(f"storage {storage.key} ends after {len(values)} of {length} elements")
    return values


def _view(values: np.ndarray, tensor: _Tensor) -> np.ndarray:
    """Returns the elements of a tensor, which may lie in its storage in any order."""
    shape, strides = tensor.shape, tensor.strides
    if len(shape) != len(strides) or min((tensor.offset, *shape, *strides)) < 0:
        raise ValueError(f"a tensor has the shape {shape} and the strides {strides}")
    if math.prod(shape) > len(values):
        raise ValueError(f"a tensor of shape {shape} is larger than its storage")
    places = np.full(shape, tensor.offset)
    for axis, stride in enumerate(strides):
        steps = np.arange(shape[axis]) * stride
        places += steps.reshape([-1 if other == axis else 1 for other in range(len(shape))])
    return np.asarray(values[places])
