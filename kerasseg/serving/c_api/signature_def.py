"""The signatures in a MetaGraphDef, read from its bytes.

Three messages of protobuf's wire format are all that is needed, so that the process needs neither
TensorFlow's generated classes nor the protobuf package.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

Message: TypeAlias = bytes | memoryview
# Field numbers of MetaGraphDef, SignatureDef, TensorInfo and of every map's entries.
_SIGNATURE_DEF = 5
_INPUTS, _OUTPUTS = 1, 2
_NAME, _DTYPE = 1, 2
_KEY, _VALUE = 1, 2


@dataclass(frozen=True)
class TensorInfo:
    """A tensor of a signature: its name in the graph (`"x:0"`) and the number of its type."""

    name: str
    dtype: int


@dataclass(frozen=True)
class Signature:
    """The tensors of a signature by their names in requests and answers."""

    inputs: dict[str, TensorInfo]
    outputs: dict[str, TensorInfo]


def read_signatures(meta_graph: Message) -> dict[str, Signature]:
    """Returns the signatures of a serialised MetaGraphDef by name.

    TensorFlow's own, whose names start with two underscores, are left out.
    """
    entries = _map(memoryview(meta_graph), _SIGNATURE_DEF)
    return {
        name: Signature(_tensors(message, _INPUTS), _tensors(message, _OUTPUTS))
        for name, message in sorted(entries.items())
        if not name.startswith("__")
    }


def _tensors(signature: memoryview, field: int) -> dict[str, TensorInfo]:
    return {
        name: TensorInfo(text(message, _NAME), _number(message, _DTYPE))
        for name, message in sorted(_map(signature, field).items())
    }


def _map(message: memoryview, field: int) -> dict[str, memoryview]:
    entries = messages(message, field)
    return {text(entry, _KEY): _message(entry, _VALUE) for entry in entries}


def messages(message: memoryview, field: int) -> list[memoryview]:
    """Returns the messages in a repeated field."""
    return [_as_message(value) for number, value in _fields(message) if number == field]


def text(message: memoryview, field: int) -> str:
    """Returns a field of letters; empty where it is not there."""
    return bytes(_message(message, field)).decode()


def _number(message: memoryview, field: int) -> int:
    values = [value for number, value in _fields(message) if number == field]
    return values[-1] if values and isinstance(values[-1], int) else 0


def _message(message: memoryview, field: int) -> memoryview:
    values = [value for number, value in _fields(message) if number == field]
    return _as_message(values[-1]) if values else memoryview(b"")


def _as_message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands where the MetaGraphDef should hold a message.")
    return value


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Gives the fields of a message: the number of each and its value."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, position = _varint(message, position)
            yield number, value
            continue
        if wire_type not in (1, 2, 5):
            raise ValueError(f"wire type {wire_type} is not in use: these bytes are no message.")
        length = {1: 8, 5: 4}.get(wire_type, 0)
        if wire_type == 2:
            length, position = _varint(message, position)
        yield number, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position
