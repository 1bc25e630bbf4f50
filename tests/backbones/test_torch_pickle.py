import io
import os
import pickle
import struct
from collections import OrderedDict

import numpy as np
import pytest

from kerasseg.backbones import torch_pickle
from kerasseg.errors import KerassegError

TYPES = {"<f4": "FloatStorage", "<i8": "LongStorage", "<f2": "HalfStorage", "|b1": "BoolStorage"}
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}


class Global:
    """Stands for a function or class of PyTorch: pickled by its name alone."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Tensor:
    """A tensor over a storage; `__reduce__` is what PyTorch's tensors return."""

    def __init__(self, values: np.ndarray, **changes) -> None:
        self.storage = np.ascontiguousarray(values)
        self.offset = 0
        self.shape = values.shape
        self.strides = tuple(step // values.itemsize for step in values.strides)
        self.__dict__.update(changes)

    def __reduce__(self):
        arguments = (self.storage, self.offset, self.shape, self.strides, False, OrderedDict())
        return rebuild, arguments


def rebuild(*arguments):
    raise AssertionError("the unpickler has its own")


class Pickler(pickle._Pickler):
    """Writes the names of PyTorch's classes, which are not installed here."""

    def persistent_id(self, value):
        if not isinstance(value, np.ndarray):
            return None
        kind = Global("torch", TYPES[value.dtype.str])
        return ("storage", kind, str(id(value)), "cpu", value.size, None)

    def save(self, value, save_persistent_id=True):
        if value is rebuild:
            value = Global("torch._utils", "_rebuild_tensor_v2")
        if isinstance(value, Global):
            self.write(f"c{value.module}\n{value.name}\n".encode())
        else:
            super().save(value, save_persistent_id)


def legacy_file(path, tensors, **system):
    """Writes what `torch.save` wrote before PyTorch 1.6."""
    storages = {str(id(tensor.storage)): tensor.storage for tensor in tensors.values()}
    stream = io.BytesIO()
    parts = (torch_pickle.MAGIC_NUMBER, 1001, {**SYSTEM, **system}, tensors, list(storages))
    for part in parts:
        Pickler(stream, protocol=2).dump(part)
    for values in storages.values():
        stream.write(struct.pack("<q", values.size) + values.tobytes())
    path.write_bytes(stream.getvalue())
    return path


def malicious_file(path, thing):
    stream = io.BytesIO()
    for part in (torch_pickle.MAGIC_NUMBER, 1001, SYSTEM):
        pickle.dump(part, stream, protocol=2)
    path.write_bytes(stream.getvalue() + thing)
    return path


def test_tensors_come_back(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "weight": rng.normal(size=(4, 3, 2, 2)).astype("float32"),
        "half": rng.normal(size=5).astype("float16"),
        "flags": np.array([True, False]),
        "count": np.array(7, "int64"),
        "empty": np.zeros((0, 3), "float32"),
    }
    tensors = OrderedDict((name, Tensor(array)) for name, array in arrays.items())
    result = torch_pickle.read_tensors(legacy_file(tmp_path / "file.pth", tensors))
    assert list(result) == list(arrays)
    for name, array in arrays.items():
        assert isinstance(result[name], np.ndarray)
        assert result[name].dtype == array.dtype
        np.testing.assert_array_equal(result[name], array)


def test_shared_transposed_and_offset_tensors_come_back(tmp_path):
    storage = np.arange(12, dtype="float32")
    tensors = {
        "transposed": Tensor(storage, shape=(4, 3), strides=(1, 4)),
        "row": Tensor(storage, offset=8, shape=(4,), strides=(1,)),
    }
    result = torch_pickle.read_tensors(legacy_file(tmp_path / "file.pth", tensors))
    np.testing.assert_array_equal(result["transposed"], storage.reshape(3, 4).T)
    np.testing.assert_array_equal(result["row"], [8, 9, 10, 11])


def test_attributes_of_the_dictionary_are_read_over(tmp_path):
    tensors = OrderedDict(weight=Tensor(np.ones(2, "float32")))
    tensors._metadata = OrderedDict(version=1)
    result = torch_pickle.read_tensors(legacy_file(tmp_path / "file.pth", tensors))
    np.testing.assert_array_equal(result["weight"], [1, 1])


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor(np.zeros(4, "float32"), shape=(5,)),
        Tensor(np.zeros(4, "float32"), offset=1),
        Tensor(np.zeros(4, "float32"), strides=(2,)),
        Tensor(np.zeros(4, "float32"), offset=3, strides=(-1,)),
        Tensor(np.zeros(4, "float32"), shape=(2**40,), strides=(0,)),
        Tensor(np.zeros(4, "float32"), shape=(2, 2)),
    ],
)
def test_a_tensor_beyond_its_storage_is_refused(tmp_path, tensor):
    path = legacy_file(tmp_path / "file.pth", {"weight": tensor})
    with pytest.raises(KerassegError, match="is not a whole old-style PyTorch file of tensors"):
        torch_pickle.read_tensors(path)


def test_a_call_of_the_system_is_refused_and_not_made(tmp_path):
    trace = tmp_path / "called"

    class Malicious:
        def __reduce__(self):
            return os.system, (f"touch {trace}",)

    path = malicious_file(tmp_path / "file.pth", pickle.dumps(Malicious(), protocol=2))
    with pytest.raises(KerassegError, match=r"is refused: its pickle asks for posix\.system"):
        torch_pickle.read_tensors(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    "name", ["builtins.eval", "torch.load", "torch._utils._rebuild_parameter", "numpy.load"]
)
def test_any_other_name_is_refused(tmp_path, name):
    module, _, attribute = name.rpartition(".")
    path = malicious_file(tmp_path / "file.pth", f"c{module}\n{attribute}\n.".encode())
    with pytest.raises(KerassegError) as error:
        torch_pickle.read_tensors(path)
    refusal, remedy = str(error.value).splitlines()
    assert refusal.endswith(f"asks for {name}, and only tensors are read.")
    assert remedy.startswith("Save the tensors alone: torch.save(model.state_dict(), path, ")


def test_every_truncation_is_refused(tmp_path):
    tensors = {"weight": Tensor(np.arange(64, dtype="float32"))}
    whole = legacy_file(tmp_path / "whole.pth", tensors).read_bytes()
    path = tmp_path / "file.pth"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(KerassegError, match="is not a whole old-style PyTorch file"):
            torch_pickle.read_tensors(path)


def test_a_zip_file_names_the_way_to_save_it(tmp_path):
    path = tmp_path / "file.pth"
    path.write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(KerassegError, match="_use_new_zipfile_serialization=False"):
        torch_pickle.read_tensors(path)


def test_a_big_endian_file_is_refused(tmp_path):
    path = legacy_file(tmp_path / "file.pth", {}, little_endian=False)
    with pytest.raises(KerassegError, match="big-endian"):
        torch_pickle.read_tensors(path)


@pytest.mark.parametrize(("contents", "message"), [({"epoch": 3}, "epoch"), ([1], "a list")])
def test_anything_but_a_dictionary_of_tensors_is_refused(tmp_path, contents, message):
    thing = pickle.dumps(contents, protocol=2) + pickle.dumps([], protocol=2)
    with pytest.raises(KerassegError, match=message):
        torch_pickle.read_tensors(malicious_file(tmp_path / "file.pth", thing))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(KerassegError, match=r"no such weights file: .*file\.pth\. Give the "):
        torch_pickle.read_tensors(tmp_path / "file.pth")
