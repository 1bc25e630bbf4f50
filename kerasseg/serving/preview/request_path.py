"""What the path of a request asks for."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from kerasseg.serving.preview.rest_error import RestError

_WHICH = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_POST = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_WHICH}:(?P<verb>classify|regress|predict)", re.IGNORECASE
)
_GET = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_WHICH}(?:/(?P<verb>metadata))?", re.IGNORECASE
)
_LARGEST_VERSION = 2**63 - 1


@dataclass(frozen=True)
class Wanted:
    """A model's version, and what is to be done with it.

    Attributes:
        name: The model.
        version: Its version; None where none is named.
        label: The version's label; None where none is named.
        verb: `"predict"`, `"classify"`, `"regress"`, `"metadata"` or `"status"`.
    """

    name: str
    version: int | None
    label: str | None
    verb: str

    @property
    def servable(self) -> str:
        """The version as TensorFlow Serving's messages name it.

        Example:
            >>> Wanted("leaves", 2, None, "predict").servable
            'Specific(leaves, 2)'
        """
        if self.version is None:
            return f"Latest({self.name})"
        return f"Specific({self.name}, {self.version})"


def read_path(method: str, path: str) -> Wanted:
    """Returns what a request wants, by the paths that TensorFlow Serving knows.

    Args:
        method: The HTTP method.
        path: As it stands in the request, `%20` and the like not replaced.

    Raises:
        RestError: If it is none of them.

    Example:
        >>> read_path("POST", "/v1/models/leaves/versions/2:predict")
        Wanted(name='leaves', version=2, label=None, verb='predict')
        >>> read_path("GET", "/v1/models/leaves").verb
        'status'
    """
    pattern = {"POST": _POST, "GET": _GET}.get(method)
    found = pattern.fullmatch(path) if pattern else None
    if found is None:
        raise RestError(f"Malformed request: {method} {path}")
    if found["name"] is None:
        raise RestError("Missing model name in request.")
    version = None if found["version"] is None else int(found["version"][:20])
    if version is not None and version > _LARGEST_VERSION:
        raise RestError(f"Failed to convert version: {found['version'][:40]} to numeric.")
    label = None if found["label"] is None else unquote(found["label"])
    verb = (found["verb"] or "status").lower()
    return Wanted(unquote(found["name"]), version, label, verb)
