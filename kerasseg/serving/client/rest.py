"""TensorFlow Serving's REST interface."""

import base64
import json
import time
from typing import Any

import httpx2

from kerasseg.errors import first_line
from kerasseg.serving.client.address import ModelAddress
from kerasseg.serving.client.answer import ServingError, check_available

# Too many requests, and what a server or the proxy before it says while it cannot be reached.
_PASSING = (408, 429, 502, 503, 504)
_MOST_SHOWN = 300


class RestTransport:
    """Sends requests over HTTP, on connections that are kept. Threads may share it.

    Args:
        address: The model.
        connections: How many connections are kept.

    Example:
        >>> transport = RestTransport(ModelAddress.parse("http://localhost:1/v1/models/leaves"))
        >>> transport.check(seconds=1)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        kerasseg.serving.client.answer.ServingError: http://localhost:1 cannot be reached: ...
    """

    def __init__(self, address: ModelAddress, connections: int = 4) -> None:
        self._address = address
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=connections)
        base = f"{address.scheme}://{address.host}"
        self._http = httpx2.Client(base_url=base, limits=limits, follow_redirects=True)

    def check(self, seconds: float) -> None:
        """Returns if the server has the model ready.

        Raises:
            ServingError: If it does not.
        """
        answer = self._asked("GET", self._address.path, None, seconds)
        found = answer.get("model_version_status", [])
        check_available(self._address, [str(status.get("state")) for status in found])

    def ask(self, signature: str, image: bytes, seconds: float) -> dict[str, Any]:
        """Returns the outputs of a signature for one image.

        Args:
            signature: It takes `image_bytes`.
            image: An encoded image.
            seconds: How long an answer is waited for.

        Raises:
            ServingError: If there is none.
        """
        encoded = {"b64": base64.b64encode(image).decode()}
        request = {"signature_name": signature, "instances": [{"image_bytes": encoded}]}
        body = json.dumps(request).encode()
        answer = self._asked("POST", f"{self._address.path}:predict", body, seconds)
        rows = answer.get("predictions")
        if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], dict):
            raise ServingError(f"{self._address} answered with something else than one prediction")
        return {name: _decoded(value) for name, value in rows[0].items()}

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _asked(self, method: str, path: str, body: bytes | None, seconds: float) -> dict[str, Any]:
        host = f"{self._address.scheme}://{self._address.host}"
        headers = {"Content-Type": "application/json"} if body else {}
        end = time.monotonic() + seconds
        try:
            with self._http.stream(
                method, path, content=body, headers=headers, timeout=seconds
            ) as response:
                text = _read(response, end)
        except httpx2.TimeoutException:
            raise ServingError(
                f"{host} did not answer within {seconds:.3g} s", passing=True
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ServingError(
                f"{host} cannot be reached: {first_line(error)}", passing=True
            ) from None
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if response.is_success and isinstance(answer, dict):
            return answer
        why = answer.get("error") if isinstance(answer, dict) else None
        shown = str(why or text.decode("utf-8", "replace"))[:_MOST_SHOWN]
        raise ServingError(
            f"{self._address}: status {response.status_code}: {shown}",
            passing=response.status_code in _PASSING,
        )


def _read(response: httpx2.Response, end: float) -> bytes:
    # The client's own bound is for each piece; a server that drips has to be bounded as a whole.
    parts = []
    for part in response.iter_bytes():
        parts.append(part)
        if time.monotonic() > end:
            raise httpx2.ReadTimeout("the answer came too slowly")
    return b"".join(parts)


def _decoded(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("b64"), str):
        return base64.b64decode(value["b64"])
    return value
