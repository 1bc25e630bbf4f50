"""A loaded SavedModel: arrays in, arrays out."""

import ctypes
from collections.abc import Mapping, Sequence
from ctypes import c_char_p, c_int64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np

from .library import TSTRING_BYTES, Output, SavedModelError, load_library
from .signature_def import Signature, TensorInfo, read_signatures

__all__ = ["SavedModelError", "SavedModelSession"]

_STRING = 7
_NUMPY_DTYPES: dict[int, type[np.generic]] = {
    1: np.float32,
    2: np.float64,
    3: np.int32,
    4: np.uint8,
    5: np.int16,
    6: np.int8,
    9: np.int64,
    10: np.bool_,
    17: np.uint16,
    22: np.uint32,
    23: np.uint64,
}


class SavedModelSession:
    """A SavedModel loaded as TensorFlow Serving loads it. Runs may overlap in threads.

    Args:
        path: The version directory, which holds `saved_model.pb`.
        library: What `load_library` returned; None loads it.

    Attributes:
        signatures: Those that the loader found, by name.

    Raises:
        SavedModelError: If the library is missing or the directory cannot be loaded.

    Example (not run here, since it takes a SavedModel):
        with SavedModelSession("serving/1") as session:
            answer = session.run("serving_default", {"image_bytes": np.array([jpeg], object)})
    """

    signatures: dict[str, Signature]

    def __init__(self, path: str | Path, library: ctypes.CDLL | None = None) -> None:
        self._library = library or load_library()
        self._graph = self._library.TF_NewGraph()
        self._session: int | None = None
        meta_graph = self._library.TF_NewBuffer()
        options = self._library.TF_NewSessionOptions()
        try:
            self._session = self._call(
                "TF_LoadSessionFromSavedModel",
                *(options, None, str(path).encode(), (c_char_p * 1)(b"serve"), 1),
                *(self._graph, meta_graph),
            )
            buffer = meta_graph.contents
            self.signatures = read_signatures(ctypes.string_at(buffer.data, buffer.length))
        finally:
            self._library.TF_DeleteSessionOptions(options)
            self._library.TF_DeleteBuffer(meta_graph)

    def __enter__(self) -> "SavedModelSession":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def version(self) -> str:
        """The version of the TensorFlow library, `"2.21.0"` for example."""
        return self._library.TF_Version().decode()

    def close(self) -> None:
        """Frees the session and its graph. A closed session cannot run."""
        if self._session is not None:
            self._call("TF_CloseSession", self._session)
            self._call("TF_DeleteSession", self._session)
            self._library.TF_DeleteGraph(self._graph)
            self._session = None

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns the outputs of a signature by name.

        Args:
            signature: `"serving_default"`, for example.
            inputs: One array a name, of the signature's types; strings are `bytes` in an array
                of objects, and come back so.

        Raises:
            SavedModelError: If there is no such signature, the inputs are not those that it
                takes, the session is closed, or TensorFlow fails.
        """
        if self._session is None:
            raise SavedModelError("the session is closed; load the SavedModel again.")
        if signature not in self.signatures:
            raise SavedModelError(f"no signature {signature!r}; there are {[*self.signatures]}.")
        wanted = self.signatures[signature]
        if inputs.keys() != wanted.inputs.keys():
            raise SavedModelError(f"{signature} takes {[*wanted.inputs]}; received {[*inputs]}.")
        tensors: list[int] = []
        try:
            for name, info in wanted.inputs.items():
                tensors.append(self._tensor(inputs[name], info.dtype))
            arrays = self._run(tensors, [*wanted.inputs.values()], [*wanted.outputs.values()])
        finally:
            for tensor in tensors:
                self._delete_input(tensor)
        return dict(zip(wanted.outputs, arrays, strict=True))

    def _run(
        self, tensors: Sequence[int], inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]
    ) -> list[np.ndarray]:
        results = (c_void_p * len(outputs))()
        self._call(
            "TF_SessionRun",
            *(self._session, None),
            *(self._places(inputs), (c_void_p * len(tensors))(*tensors), len(tensors)),
            *(self._places(outputs), results, len(outputs)),
            *(None, 0, None),
        )
        try:
            return [self._array(result) for result in results if result]
        finally:
            for result in results:
                self._library.TF_DeleteTensor(result)

    def _call(self, function: str, *arguments: Any) -> Any:
        """Calls a function whose last argument is a status, and raises what the status says."""
        status = self._library.TF_NewStatus()
        try:
            result = getattr(self._library, function)(*arguments, status)
            if self._library.TF_GetCode(status):
                raise SavedModelError(self._library.TF_Message(status).decode(errors="replace"))
            return result
        finally:
            self._library.TF_DeleteStatus(status)

    def _places(self, tensors: Sequence[TensorInfo]) -> Any:
        places = (Output * len(tensors))()
        for place, tensor in zip(places, tensors, strict=True):
            operation, _, index = tensor.name.rpartition(":")
            found = self._library.TF_GraphOperationByName(self._graph, operation.encode())
            if found is None:
                raise SavedModelError(f"the graph holds no operation {operation!r}.")
            place.operation, place.index = found, int(index)
        return places

    def _tensor(self, values: np.ndarray, dtype: int) -> int:
        strings = dtype == _STRING
        array = np.asarray(values, object if strings else _NUMPY_DTYPES[dtype], order="C")
        size = array.size * TSTRING_BYTES if strings else array.nbytes
        shape = (c_int64 * array.ndim)(*array.shape)
        tensor = self._library.TF_AllocateTensor(dtype, shape, array.ndim, size)
        data = self._library.TF_TensorData(tensor)
        if not strings:
            ctypes.memmove(data, array.ctypes.data, size)
            return tensor
        for place, text in enumerate(array.flat):
            self._library.TF_StringInit(data + place * TSTRING_BYTES)
            self._library.TF_StringCopy(data + place * TSTRING_BYTES, text, len(text))
        return tensor

    def _delete_input(self, tensor: int) -> None:
        if self._library.TF_TensorType(tensor) == _STRING:
            # Deleting the tensor frees the places of its strings, not what they point to.
            data = self._library.TF_TensorData(tensor)
            for offset in range(0, self._library.TF_TensorByteSize(tensor), TSTRING_BYTES):
                self._library.TF_StringDealloc(data + offset)
        self._library.TF_DeleteTensor(tensor)

    def _array(self, tensor: int) -> np.ndarray:
        library = self._library
        shape = [library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))]
        data, dtype = library.TF_TensorData(tensor), library.TF_TensorType(tensor)
        if dtype != _STRING:
            array = np.empty(shape, _NUMPY_DTYPES[dtype])
            ctypes.memmove(array.ctypes.data, data, array.nbytes)
            return array
        strings = np.empty(shape, object)
        for place in range(strings.size):
            text = data + place * TSTRING_BYTES
            start = library.TF_StringGetDataPointer(text)
            strings.flat[place] = ctypes.string_at(start, library.TF_StringGetSize(text))
        return strings
