"""Where a model is asked."""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from kerasseg.errors import KerassegError

_URL = re.compile(
    r"(?P<scheme>https?|grpcs?)://(?P<host>[^/?#@\s]+)/v1/models/(?P<name>[^/:?#\s]+)"
    r"(?:/versions/(?P<version>\d{1,18})|/labels/(?P<label>[^/:?#\s]+))?/?",
    re.IGNORECASE,
)
EXAMPLES = "http://localhost:8501/v1/models/leaves or grpc://localhost:8500/v1/models/leaves"


@dataclass(frozen=True)
class ModelAddress:
    """A model of a server, and which of its versions.

    Args:
        scheme: `"http"` or `"https"` for REST, `"grpc"` or `"grpcs"` (encrypted) for gRPC.
        host: The server, with its port.
        name: The model.
        version: Its version; None for the latest.
        label: The label of a version; None for none.

    Example:
        >>> ModelAddress.parse("grpc://localhost:8500/v1/models/leaves/versions/2").version
        2
    """

    scheme: str
    host: str
    name: str
    version: int | None = None
    label: str | None = None

    @classmethod
    def parse(cls, url: str) -> "ModelAddress":
        """Returns what an URL says, the same path for REST and gRPC.

        Args:
            url: `SCHEME://HOST:PORT/v1/models/NAME`, and `/versions/N` or `/labels/LABEL`.

        Raises:
            KerassegError: If it is of another form.
        """
        found = _URL.fullmatch(url)
        if found is None:
            raise KerassegError(
                f"{url!r} is no address of a model: give one such as {EXAMPLES}, with /versions/N "
                "or /labels/LABEL behind it where it is not the latest version."
            )
        version, label = found["version"], found["label"]
        return cls(
            found["scheme"].lower(),
            found["host"],
            unquote(found["name"]),
            None if version is None else int(version),
            None if label is None else unquote(label),
        )

    @property
    def path(self) -> str:
        """The path of the model in REST.

        Example:
            >>> ModelAddress("http", "localhost:8501", "red leaves", label="stable").path
            '/v1/models/red%20leaves/labels/stable'
        """
        which = "" if self.version is None else f"/versions/{self.version}"
        if self.label is not None:
            which = f"/labels/{quote(self.label, safe='')}"
        return f"/v1/models/{quote(self.name, safe='')}{which}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}"
