"""The process that serves the web application."""

import ipaddress
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kerasseg.checks import is_count
from kerasseg.errors import KerassegError

if TYPE_CHECKING:
    import uvicorn

    from kerasseg.serving.preview.served_model import ServedModel

# An image of 16 million pixels, TensorFlow Serving's base64 around a poorly compressed file of it.
MAX_REQUEST_BYTES = 64 * 2**20
_LARGEST_PORT = 65535


@dataclass(frozen=True)
class PreviewOptions:
    """How a preview is served.

    Args:
        host: The address that is listened on; `"127.0.0.1"` is for this machine alone.
        port: TensorFlow Serving's is 8501; 0 for any that is free.
        max_request_bytes: A longer request is refused with status 413.
        cors: Whether pages of other origins may read the answers.

    Raises:
        KerassegError: If one is out of its range.

    Example:
        >>> PreviewOptions(port=70000)
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: port is a whole number of 0..65535; received 70000.
    """

    host: str = "127.0.0.1"
    port: int = 8501
    max_request_bytes: int = MAX_REQUEST_BYTES
    cors: bool = False

    def __post_init__(self) -> None:
        if self.port != 0 and not (is_count(self.port) and self.port <= _LARGEST_PORT):
            raise KerassegError(
                f"port is a whole number of 0..{_LARGEST_PORT}; received {self.port!r}."
            )
        if not is_count(self.max_request_bytes):
            raise KerassegError(
                "max_request_bytes is a whole number of at least 1; received "
                f"{self.max_request_bytes!r}."
            )


def run_preview(
    model: "ServedModel",
    options: PreviewOptions | None = None,
    started: Callable[[str], None] = print,
) -> None:
    """Serves a model until the process is interrupted. It is for trying things out.

    It knows no users, no encryption and no bounded queue: TensorFlow Serving is for service.

    Args:
        model: What is served.
        options: Where and how; None for the usual ones.
        started: Called with the address of the page once requests are taken.

    Raises:
        KerassegError: If the address cannot be listened on, or the extra `preview` is missing.
    """
    with _listening(model, options or PreviewOptions()) as (server, listener):
        started(_address(listener))
        server.run(sockets=[listener])


@contextmanager
def preview_in_background(
    model: "ServedModel", options: PreviewOptions | None = None
) -> Iterator[str]:
    """Serves a model in a thread while the block runs, and gives the address of the page.

    Args:
        model: What is served.
        options: Where and how; None for this machine and any port that is free.

    Raises:
        KerassegError: As `run_preview`.

    Example:
        >>> import json, keras, urllib.request
        >>> from kerasseg.serving import export_saved_model
        >>> from kerasseg.serving.preview import ServedModel
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> version = export_saved_model(keras.Model(images, logits), "leaves", warmup_images=())
        >>> with preview_in_background(ServedModel("leaves")) as address:
        ...     with urllib.request.urlopen(f"{address}v1/models/leaves") as answer:
        ...         print(json.load(answer)["model_version_status"][0]["state"])
        AVAILABLE
    """
    with _listening(model, options or PreviewOptions(port=0)) as (server, listener):
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield _address(listener)
        finally:
            server.should_exit = True
            thread.join()


def is_local(host: str) -> bool:
    """Returns whether an address is reached from this machine alone.

    Example:
        >>> is_local("127.0.0.1"), is_local("localhost"), is_local("0.0.0.0")
        (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _listening(
    model: "ServedModel", options: PreviewOptions
) -> Iterator[tuple["uvicorn.Server", socket.socket]]:
    try:
        import uvicorn

        from kerasseg.serving.preview.app import preview_app
    except ImportError:
        raise KerassegError(
            'the preview needs other packages: pip install "kerasseg[preview]".'
        ) from None
    app = preview_app(model, options.max_request_bytes, options.cors)
    # Its own configuration of logging would close the handlers of the program or notebook it is in.
    config = uvicorn.Config(
        app, log_config=None, log_level="warning", access_log=False, timeout_graceful_shutdown=5
    )
    # Before uvicorn does it, which would end the process in its own way.
    with _bound(options.host, options.port) as listener:
        yield uvicorn.Server(config), listener


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=128)
        # Connections take it over; else each answer on one that is kept waits for 40 ms, since its
        # head and its body are sent apart and the second waits for the first to be acknowledged.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, UnicodeError) as error:
        raise KerassegError(
            f"{host}:{port} cannot be listened on: {_reason(error)}. "
            "Give another --port (0 for any that is free), or an address of this machine as --host."
        ) from None


def _reason(error: OSError | UnicodeError) -> str:
    # An unknown host's number is none of the operating system's; its own text says what it is.
    if isinstance(error, UnicodeError | socket.gaierror) or error.errno is None:
        return str(error)
    return os.strerror(error.errno)


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/"
