"""What a recipe says of a value that it cannot use, in words of the file and not of pydantic."""

import json
import re
from collections.abc import Mapping
from typing import Any

from kerasseg.errors import unknown_name

_KINDS = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text, in quotes",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "too_long": "a list of {max_length}",
    "model_type": "a section, its keys below a line in brackets",
}
_LISTS = ("tuple_type", "list_type")


def complaint(key: str, error: Mapping[str, Any]) -> str:
    """Returns what is wrong with the value of a key, and what to give.

    Args:
        key: The key, as `section.key`.
        error: One of the errors of a pydantic `ValidationError`.

    Example:
        >>> complaint("training.epochs", {"type": "int_parsing", "input": "many"})
        "training.epochs: give a whole number; received 'many'."
    """
    value = error["input"]
    accepted = re.findall(r"'([^']*)'", error.get("ctx", {}).get("expected", ""))
    if error["type"] == "literal_error" and accepted and isinstance(value, str):
        return str(unknown_name(key, value, accepted))
    return f"{key}: {wanted(error)}; received {value!r}."


def wanted(error: Mapping[str, Any]) -> str:
    """Returns what to give in the place of a value, as in "give a number".

    Args:
        error: One of the errors of a pydantic `ValidationError`.

    Example:
        >>> wanted({"type": "tuple_type", "input": "dice"})
        'give a list, as in ["dice"]'
    """
    context = error.get("ctx", {})
    if error["type"] in _LISTS:
        return f"give a list, as in {json.dumps([error['input']], default=str)}"
    if error["type"] == "literal_error":
        return f"give {context['expected']}"
    if error["type"] in _KINDS:
        return "give " + _KINDS[error["type"]].format(**context)
    return str(error["msg"])
