"""The diagnosis as JSON, for programs."""

import json
import os
from pathlib import Path
from typing import Any

from kerasseg.data.doctor.diagnosis import SCHEMA_VERSION, Diagnosis
from kerasseg.errors import KerassegError, first_complaint

JSON_NAME = "report.json"
_REMEDY = "Let training.doctor write it anew."


def to_json(diagnosis: Diagnosis) -> str:
    """Returns the text of `report.json`.

    Args:
        diagnosis: What was found.
    """
    return _adapter().dump_json(diagnosis, indent=2).decode() + "\n"


def json_schema() -> dict[str, Any]:
    """Returns the JSON schema of `report.json`."""
    return _adapter().json_schema()


def read_report(directory: str | os.PathLike[str]) -> Diagnosis:
    """Returns the diagnosis that `write_report` left.

    Args:
        directory: That of the report.

    Raises:
        KerassegError: If there is no report, or it is damaged or of another schema version.

    Example:
        >>> from kerasseg.data import shapes
        >>> from kerasseg.data.doctor import diagnose, open_folder, write_report
        >>> case = open_folder(shapes.ensure("shapes", train=2, val=1), labels=shapes.LABELS)
        >>> diagnosis = diagnose(case)
        >>> read_report(write_report("doctor-shapes", diagnosis, case)) == diagnosis
        True
    """
    from pydantic import ValidationError

    path = Path(directory) / JSON_NAME
    if not path.is_file():
        raise KerassegError(f"no such file: {path}. training.doctor writes one.")
    _check_version(path)
    try:
        return _adapter().validate_json(path.read_bytes())
    except ValidationError as error:
        raise KerassegError(f"{path}: {first_complaint(error)}. {_REMEDY}") from None


def _check_version(path: Path) -> None:
    try:
        values = json.loads(path.read_bytes())
    except ValueError as error:  # both malformed JSON and bytes that are no text
        raise KerassegError(f"{path} is not JSON: {error}. {_REMEDY}") from None
    version = values.get("schema_version") if isinstance(values, dict) else None
    if version != SCHEMA_VERSION:
        raise KerassegError(
            f"{path} has schema version {version}; this kerasseg reads version {SCHEMA_VERSION}. "
            + _REMEDY
        )


def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Diagnosis)
