"""The meeting of all machines before TensorFlow connects them.

TensorFlow waits for an hour for a machine that never comes and does not say for which. So each
first calls at the address of the chief, who says who is missing, and whether all are about to do
the same.
"""

import json
import select
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from kerasseg.errors import KerassegError
from kerasseg.workers.cluster import Cluster

_PAUSE = 0.2
_PATIENCE = 5.0  # so long nothing is said about who is missing
_LONGEST_LINE = 65536


def meet(cluster: Cluster, facts: Mapping[str, Any], seconds: float) -> None:
    """Returns when every machine of a cluster has come to the chief's address.

    Args:
        cluster: The machines, and which of them this is.
        facts: What has to be equal on all of them, JSON values by what they are.
        seconds: How long to wait.

    Raises:
        KerassegError: If a machine has not come in time, or comes with other facts; the message
            names the addresses. It is the same on all machines that are there.

    Example:
        >>> import threading
        >>> with socket.socket() as free:
        ...     free.bind(("localhost", 0))
        ...     addresses = (f"localhost:{free.getsockname()[1]}", "localhost:1")
        >>> other = threading.Thread(target=meet, args=(Cluster(addresses, 1), {"keras": "3"}, 20))
        >>> other.start()
        >>> meet(Cluster(addresses, 0), {"keras": "3"}, 20)
        >>> other.join()
    """
    mine = {"cluster": list(cluster.addresses), **facts}
    if cluster.is_chief:
        _await_others(cluster, mine, seconds)
    else:
        _call_chief(cluster, mine, seconds)


def _await_others(cluster: Cluster, mine: Mapping[str, Any], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    waiting, problem = _Waiting(), ""
    there: dict[int, socket.socket] = {}
    with ExitStack() as stack, _listening(cluster) as server:
        while not problem and (missing := _missing(cluster, there)):
            if time.monotonic() > deadline:
                problem = _never_came(missing, seconds)
            elif call := _next_call(server):
                connection, place, facts = call
                stack.enter_context(connection)
                there[place] = connection
                problem = _differing(place, facts, mine)
            waiting.say(missing)
        for connection in there.values():
            _send(connection, {"error": problem})
    if problem:
        raise KerassegError(problem)


@contextmanager
def _listening(cluster: Cluster) -> Iterator[socket.socket]:
    port = int(cluster.address.rpartition(":")[2])
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        server = socket.create_server(
            ("", port), family=family, dualstack_ipv6=both, backlog=len(cluster.addresses)
        )
    except OSError as error:
        raise KerassegError(
            f"port {port} of {cluster.address} cannot be opened ({error.strerror}): is another "
            "process using it, an earlier start of this one? TF_CONFIG may name another port."
        ) from None
    with server:
        server.settimeout(_PAUSE)
        yield server


def _missing(cluster: Cluster, there: Mapping[int, socket.socket]) -> list[str]:
    """Returns the addresses of the others that have not come, or have gone again."""
    return [
        address
        for place, address in enumerate(cluster.addresses)
        if place != cluster.index and not (place in there and _is_open(there[place]))
    ]


def _is_open(connection: socket.socket) -> bool:
    """Returns whether the other side, which waits for an answer, still does."""
    readable, _, _ = select.select([connection], [], [], 0)
    return not readable


def _next_call(server: socket.socket) -> tuple[socket.socket, int, Any] | None:
    """Returns a machine that calls, its place and its facts; None where none does."""
    try:
        connection, _ = server.accept()
    except TimeoutError:
        return None
    call = _receive(connection, _PATIENCE)
    if call is None or not isinstance(call.get("index"), int):
        connection.close()  # whatever else knocks at the port
        return None
    return connection, call["index"], call.get("facts")


def _call_chief(cluster: Cluster, mine: Mapping[str, Any], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    chief, waiting = cluster.addresses[0], _Waiting()
    while (left := deadline - time.monotonic()) > 0:
        answer = _answer(chief, {"index": cluster.index, "facts": mine}, left + _PATIENCE)
        if answer is not None and "error" in answer:
            if answer["error"]:
                raise KerassegError(str(answer["error"]))
            return
        waiting.say([chief])
        time.sleep(_PAUSE)
    raise KerassegError(_never_came([chief], seconds))


def _answer(chief: str, call: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
    """Returns what the chief says when all have come; None where it does not answer."""
    host, _, port = chief.rpartition(":")
    address = (host.strip("[]"), int(port))
    try:
        with socket.create_connection(address, timeout=_PATIENCE) as connection:
            _send(connection, call)
            return _receive(connection, seconds)
    except OSError:
        return None  # it is not there yet, or its name is not known yet


class _Waiting:
    """Says once, after a while, who is waited for."""

    def __init__(self) -> None:
        self._until = time.monotonic() + _PATIENCE

    def say(self, addresses: Iterable[str]) -> None:
        if time.monotonic() > self._until:
            _say(f"waiting for {', '.join(addresses)}")
            self._until = float("inf")


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _never_came(addresses: Iterable[str], seconds: float) -> str:
    return (
        f"no sign of {', '.join(addresses)} in {seconds / 60:g} minutes (training.wait_minutes). "
        "Start the same command on every machine that TF_CONFIG names, and see whether the ports "
        "can be reached from the others."
    )


def _differing(place: int, theirs: Any, mine: Mapping[str, Any]) -> str:
    """Returns the first fact that differs as a sentence; empty where none does."""
    received = theirs if isinstance(theirs, dict) else {}
    for key, value in mine.items():
        if received.get(key) != value:
            return (
                f"{key}: {json.dumps(received.get(key))} on machine {place}, {json.dumps(value)} "
                "on the chief. Start the same command, with the same versions, on machines that "
                "are alike."
            )
    return ""


def _send(connection: socket.socket, message: Mapping[str, Any]) -> None:
    try:
        connection.sendall(json.dumps(message).encode() + b"\n")
    except OSError as error:
        _say(f"a machine that had come has gone again ({error.strerror})")


def _receive(connection: socket.socket, seconds: float) -> dict[str, Any] | None:
    """Returns the object of one line, None where there is none in time."""
    connection.settimeout(seconds)
    received = b""
    try:
        while not received.endswith(b"\n") and len(received) < _LONGEST_LINE:
            part = connection.recv(4096)
            if not part:
                return None
            received += part
        found = json.loads(received)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
