"""The machines that train one model together, as the variable `TF_CONFIG` names them."""

import json
import re
from dataclasses import dataclass
from typing import Any

from kerasseg.errors import KerassegError, unknown_name

_TASKS = ("chief", "worker")
_ADDRESS = re.compile(r"[^\s:/]+:\d{1,5}|\[[0-9a-fA-F:.]+\]:\d{1,5}")
_FORM = (
    'Accepted: {"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", '
    '"index": 0}}, the same cluster on every machine and an index of its own.'
)


@dataclass(frozen=True)
class Cluster:
    """Addresses of some machines, and which of them this one is.

    Args:
        addresses: `host:port` of each; the first is the chief's, which reports and saves.
        index: Which of them this process is, counted from 0.
        has_chief: Whether the first one has the task `chief`; else it is the first `worker`.

    Example:
        >>> cluster = Cluster(("10.0.0.1:2222", "10.0.0.2:2222"), index=1)
        >>> cluster.address, cluster.is_chief, cluster.task
        ('10.0.0.2:2222', False, ('worker', 1))
    """

    addresses: tuple[str, ...]
    index: int
    has_chief: bool = False

    @property
    def is_chief(self) -> bool:
        """Whether this machine reports and saves."""
        return self.index == 0

    @property
    def address(self) -> str:
        """`host:port` of this machine."""
        return self.addresses[self.index]

    @property
    def task(self) -> tuple[str, int]:
        """Type and index of this machine's task, as TensorFlow counts them."""
        return self.task_at(self.index)

    def task_at(self, index: int) -> tuple[str, int]:
        """Type and index of the task of a machine, by its place among the addresses."""
        if not self.has_chief:
            return "worker", index
        return ("chief", 0) if index == 0 else ("worker", index - 1)

    @property
    def jobs(self) -> dict[str, list[str]]:
        """The addresses by type of task, as TensorFlow takes them."""
        if not self.has_chief:
            return {"worker": list(self.addresses)}
        return {"chief": [self.addresses[0]], "worker": list(self.addresses[1:])}


def parse_cluster(text: str | None) -> Cluster | None:
    """Returns what `TF_CONFIG` says; None where it is empty or names one machine alone.

    Args:
        text: The value of the environment variable, None where it is not set.

    Raises:
        KerassegError: If it is not JSON, something is missing or of another kind, an address
            is malformed or comes twice, or the task is none of the cluster's.

    Example:
        >>> machines, task = '{"worker": ["a:2222", "b:2222"]}', '{"type": "worker", "index": 1}'
        >>> cluster = parse_cluster(f'{{"cluster": {machines}, "task": {task}}}')
        >>> cluster.addresses, cluster.index
        (('a:2222', 'b:2222'), 1)
    """
    if not (text or "").strip():
        return None
    try:
        values = json.loads(str(text))
    except ValueError as error:
        raise _malformed(f"is not JSON ({error})") from None
    if not isinstance(values, dict):
        raise _malformed(f"holds {json.dumps(values)} and no object")
    jobs = _jobs(_object(values, "cluster"))
    index = _index(_object(values, "task"), jobs)
    addresses = (*jobs.get("chief", ()), *jobs.get("worker", ()))
    if len(addresses) == 1:
        return None
    return Cluster(addresses, index, has_chief="chief" in jobs)


def _malformed(problem: str) -> KerassegError:
    return KerassegError(f"TF_CONFIG {problem}. {_FORM}")


def _object(values: dict[str, Any], key: str) -> dict[str, Any]:
    if key not in values:
        raise _malformed(f"has no {key!r}")
    if not isinstance(values[key], dict):
        raise _malformed(f"has {json.dumps(values[key])} as {key!r} and no object")
    return values[key]


def _jobs(cluster: dict[str, Any]) -> dict[str, list[str]]:
    for job, addresses in cluster.items():
        if job not in _TASKS:
            raise unknown_name("task in TF_CONFIG's 'cluster'", job, _TASKS)
        if not isinstance(addresses, list) or not addresses:
            raise _malformed(f"has {json.dumps(addresses)} as addresses of {job!r} and no list")
        for address in addresses:
            if not (isinstance(address, str) and _ADDRESS.fullmatch(address)):
                raise _malformed(f"has {json.dumps(address)} among {job!r} and no HOST:PORT")
    together = [address for addresses in cluster.values() for address in addresses]
    repeated = [address for address in together if together.count(address) > 1]
    if repeated:
        raise _malformed(f"names {repeated[0]} twice: each process needs an address of its own")
    if not together:
        raise _malformed("names no machine in 'cluster'")
    if len(cluster.get("chief", ())) > 1:
        raise _malformed(f"has {len(cluster['chief'])} machines as 'chief', where one is accepted")
    return cluster


def _index(task: dict[str, Any], jobs: dict[str, list[str]]) -> int:
    """Returns the place of this machine among all addresses, the chief's first."""
    kind, index = task.get("type"), task.get("index")
    if kind not in jobs:
        raise unknown_name("task type in TF_CONFIG", kind, jobs)
    count = len(jobs[kind])
    if type(index) is not int or not 0 <= index < count:
        raise _malformed(
            f"has the task index {json.dumps(index)}, and 'cluster' has {count} of type {kind!r}: "
            f"give 0..{count - 1}"
        )
    return index + (len(jobs.get("chief", ())) if kind == "worker" else 0)
