"""Requests and answers of TensorFlow Serving's REST interface, as JSON and as arrays."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from kerasseg.serving.preview.rest_error import RestError

_MOST_SHOWN = 60
_MOST_LEVELS = 8
_WHITE_SPACE = re.compile(r"\s+")


class Question(NamedTuple):
    """What a request asks.

    Attributes:
        signature: The signature's name.
        by_rows: Whether it, and so its answer, has a row an instance; else a column an input.
        inputs: One array an input.
    """

    signature: str
    by_rows: bool
    inputs: dict[str, np.ndarray]


def read_question(
    body: bytes, input_specs: Callable[[str], Mapping[str, tf.TensorSpec]]
) -> Question:
    r"""Returns what the body of a request asks.

    Args:
        body: A JSON object with `instances` (rows) or `inputs` (columns) and, where it is another
            than `serving_default`, `signature_name`. Bytes stand in it as `{"b64": "..."}`.
        input_specs: Shape and type of each input, of a signature.

    Raises:
        RestError: If it is anything else, or does not fit the signature.

    Example:
        >>> specs = {"image_bytes": tf.TensorSpec([None], tf.string)}
        >>> body = b'{"instances": [{"image_bytes": {"b64": "AAE="}}]}'
        >>> question = read_question(body, lambda signature: specs)
        >>> question.signature, question.inputs["image_bytes"]
        ('serving_default', array([b'\x00\x01'], dtype=object))
    """
    document = _document(body)
    signature = document.get("signature_name", "serving_default")
    if not isinstance(signature, str):
        raise RestError("'signature_name' key must be a string value.")
    specs = input_specs(signature or "serving_default")
    given = [key for key in ("instances", "inputs") if key in document]
    if len(given) != 1:
        few = "Missing 'inputs' or 'instances' key"
        raise RestError(few if not given else "expecting only one of 'inputs' or 'instances'")
    by_rows = given == ["instances"]
    columns = (_of_rows if by_rows else _of_columns)(document[given[0]], specs)
    inputs = {name: _array(name, columns[name], spec) for name, spec in specs.items()}
    return Question(signature or "serving_default", by_rows, inputs)


def answer_text(outputs: Mapping[str, np.ndarray], by_rows: bool) -> str:
    """Returns the JSON of an answer: `predictions`, a row an instance, or `outputs`.

    Bytes, which are the strings of outputs whose names end with `_bytes`, stand in it as
    `{"b64": "..."}`. A single output stands without its name.

    Args:
        outputs: One array an output.
        by_rows: As the question was.

    Example:
        >>> answer_text({"error": np.array([b""], object), "mask": np.array([[3]])}, by_rows=True)
        '{"predictions": [{"error": "", "mask": [3]}]}'
        >>> answer_text({"mask_bytes": np.array([b"PNG"], object)}, by_rows=False)
        '{"outputs": [{"b64": "UE5H"}]}'
    """
    columns = {name: _plain(name, output) for name, output in outputs.items()}
    if by_rows:
        rows = zip(*columns.values(), strict=True)
        named = [dict(zip(columns, row, strict=True)) for row in rows]
        return json.dumps({"predictions": [_unless_alone(row) for row in named]})
    return json.dumps({"outputs": _unless_alone(columns)})


def _document(body: bytes) -> dict[str, Any]:
    if not body:
        raise RestError("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except RecursionError:
        raise RestError("JSON Parse error: it is nested too deeply") from None
    except ValueError as error:
        raise RestError(f"JSON Parse error: {error}") from None
    if not isinstance(document, dict):
        raise RestError(f"JSON Value: {_shown(document)} Is not object")
    return document


def _of_rows(instances: Any, specs: Mapping[str, tf.TensorSpec]) -> dict[str, list[Any]]:
    if not isinstance(instances, list):
        raise RestError("Expecting 'instances' to be a list/array")
    if not instances:
        raise RestError("No values in 'instances' array")
    named = _is_object(instances[0])
    if not named and len(specs) > 1:
        raise RestError(f"'instances' has to be a list of objects with the keys {','.join(specs)}")
    columns: dict[str, list[Any]] = {name: [] for name in specs}
    for place, row in enumerate(instances):
        if _is_object(row) != named:
            raise RestError(f"item {place} of 'instances' is of another kind than the first")
        values = row if named else {next(iter(specs)): row}
        if values.keys() != specs.keys():
            raise RestError(
                f"Failed to process element: {place} of 'instances' list. JSON object: "
                f"{_shown(row)} keys must be equal to: {','.join(specs)}"
            )
        for name, value in values.items():
            columns[name].append(value)
    return columns


def _of_columns(inputs: Any, specs: Mapping[str, tf.TensorSpec]) -> dict[str, Any]:
    if not _is_object(inputs):
        if len(specs) > 1:
            raise RestError(f"'inputs' has to be an object with the keys {','.join(specs)}")
        return {next(iter(specs)): inputs}
    for name in specs:
        if name not in inputs:
            raise RestError(f"Missing named input: {name} in 'inputs' object.")
    return dict(inputs)


def _is_object(value: Any) -> bool:
    """Returns whether a value has named parts; bytes are one value."""
    return isinstance(value, dict) and not _is_bytes(value)


def _is_bytes(value: Any) -> bool:
    return isinstance(value, dict) and [*value] == ["b64"] and isinstance(value["b64"], str)


def _array(name: str, value: Any, spec: tf.TensorSpec) -> np.ndarray:
    array = _strings(value) if spec.dtype == tf.string else _numbers(value, spec.dtype)
    if not spec.shape.is_compatible_with(array.shape):
        wanted = [side if side is not None else "?" for side in spec.shape]
        raise RestError(
            f"{name} has the shape {[*array.shape]}, and this signature takes "
            f"[{', '.join(map(str, wanted))}]"
        )
    return array


def _numbers(value: Any, dtype: tf.DType) -> np.ndarray:
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError, RecursionError):
        raise RestError("lists of one level have to be of one size") from None
    wanted = np.dtype(dtype.as_numpy_dtype)
    kinds = {"b": "b", "u": "iu", "i": "iu", "f": "iuf"}[wanted.kind]
    if array.size and array.dtype.kind not in kinds:
        raise RestError(f"JSON Value: {_shown(value)} is not of expected type: {dtype.name}")
    if wanted.kind in "ui" and array.size:
        bounds = np.iinfo(wanted)
        if array.min() < bounds.min or array.max() > bounds.max:
            raise RestError(f"a value is outside of {dtype.name}, {bounds.min}..{bounds.max}")
    return array.astype(wanted)


def _strings(value: Any) -> np.ndarray:
    shape: list[int] = []
    level = value
    while isinstance(level, list):
        shape.append(len(level))
        level = level[0] if level else None
    if len(shape) > _MOST_LEVELS:
        raise RestError(f"lists within lists, {len(shape)} levels of them, are no tensor")
    leaves = [value]
    for size in shape:
        if any(not isinstance(each, list) or len(each) != size for each in leaves):
            raise RestError("lists of one level have to be of one size")
        leaves = [leaf for each in leaves for leaf in each]
    array = np.empty(len(leaves), object)
    array[:] = [_string(leaf) for leaf in leaves]
    return array.reshape(shape)


def _string(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if not _is_bytes(value):
        what = "not formatted correctly for base64 data" if isinstance(value, dict) else "no string"
        raise RestError(f"JSON Value: {_shown(value)} {what}")
    text = _WHITE_SPACE.sub("", value["b64"]).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise RestError("Unable to base64 decode") from None


def _plain(name: str, output: np.ndarray) -> Any:
    if output.dtype != object:
        return output.tolist()
    as_bytes = name.endswith("_bytes")

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(each) for each in value]
        if as_bytes:
            return {"b64": base64.b64encode(value).decode()}
        return value.decode("utf-8", "replace")

    return plain(output.tolist())


def _unless_alone(named: dict[str, Any]) -> Any:
    return named if len(named) > 1 else next(iter(named.values()))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
