"""The processes that train one model together, one on each machine, and what they agree on."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kerasseg.errors import KerassegError, first_line
from kerasseg.version import __version__
from kerasseg.workers import distribution, multi_worker
from kerasseg.workers.cluster import Cluster, parse_cluster
from kerasseg.workers.rendezvous import meet

if TYPE_CHECKING:
    from kerasseg.recipe import Recipe

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
)


@dataclass(frozen=True)
class Workers:
    """One process, and the others that train the same model, if there are any.

    Args:
        strategy: The devices of all of them.
        cluster: The machines; None for this one alone.

    Example:
        >>> alone = Workers(tf.distribute.get_strategy())
        >>> alone.is_chief, alone.share, alone.from_chief(3)
        (True, (0, 1), 3)
    """

    strategy: tf.distribute.Strategy
    cluster: Cluster | None = None

    @property
    def is_chief(self) -> bool:
        """Whether this process reports and saves."""
        return self.cluster is None or self.cluster.is_chief

    @property
    def share(self) -> tuple[int, int]:
        """Which part of every batch this process takes, counted from 0, and of how many."""
        return (0, 1) if self.cluster is None else (self.cluster.index, self._count)

    @property
    def _count(self) -> int:
        return 1 if self.cluster is None else len(self.cluster.addresses)

    def ready_to_fit(self, model: keras.Model) -> keras.Model:
        """Returns a functional model on the same variables whose `fit` works on all of them.

        To be called in the scope of the strategy, before `compile`.
        """
        return model if self.cluster is None else multi_worker.ready_to_fit(model)

    def dealt_out(self, batches: tf.data.Dataset) -> Any:
        """Returns what `fit` takes for this process's share of some batches.

        Args:
            batches: Of this process alone, each a multiple of its devices.
        """
        if self.cluster is None:
            return batches
        return multi_worker.dealt_out(batches, self.strategy, self._count)

    def from_chief(self, number: int) -> int:
        """Returns the number that the chief has, below 2^24, whatever the others have."""
        return int(self._sum(np.float32(number if self.is_chief else 0)))

    def wait_for_all(self) -> None:
        """Returns when all processes have called it."""
        self._sum(np.float32(1))

    def check_equal(self, what: str, value: str) -> None:
        """Raises a `KerassegError` that names the machines where a value is not the chief's."""
        rows = np.zeros((self._count, 32), np.float32)
        rows[self.share[0]] = list(hashlib.sha256(value.encode()).digest())
        found = np.asarray(self._sum(rows))
        different = [n for n, row in enumerate(found) if not np.array_equal(row, found[0])]
        if self.cluster is not None and different:
            there = ", ".join(self.cluster.addresses[n] for n in different)
            raise KerassegError(
                f"{what} on {there} is not that of the chief, {self.cluster.addresses[0]}: give "
                "all machines the same."
            )

    def _sum(self, value: Any) -> Any:
        if self.cluster is None:
            return value
        return self.strategy.reduce("SUM", tf.identity(value), axis=None)

    @contextmanager
    def noticing_losses(self) -> Iterator[None]:
        """Turns the errors of TensorFlow when another process is gone into one that says so."""
        try:
            yield
        except tf.errors.OpError as error:
            lost = isinstance(error, _LOST) or "Collective ops is aborted" in str(error)
            if self.cluster is None or not lost:
                raise
            raise KerassegError(
                f"another worker is gone: {_unreachable(error, self.cluster)} does not answer any "
                "more. Its own output says why it ended, if it could.\nStart the same command "
                "again on every machine: training goes on after the last epoch that was finished. "
                f"({first_line(error)})"
            ) from error


def _unreachable(error: tf.errors.OpError, cluster: Cluster) -> str:
    """Returns the addresses of the others that an error names, or of all others."""
    named = re.findall(r"/job:(\w+)/(?:replica:\d+/)?task:(\d+)", str(error))
    tasks = {(kind, int(number)) for kind, number in named}
    others = [n for n in range(len(cluster.addresses)) if n != cluster.index]
    found = [n for n in others if cluster.task_at(n) in tasks]
    return " or ".join(cluster.addresses[n] for n in found or others)


def take_part(recipe: "Recipe") -> Workers:
    """Returns the devices of this machine, or of all machines that `TF_CONFIG` names.

    Of several machines it has to be called before TensorFlow computes anything, and returns when
    all are there.

    Args:
        recipe: The recipe, whose `training.devices` are those of this machine.

    Raises:
        KerassegError: If `TF_CONFIG` is malformed, a device is not there, another machine does
            not come within `training.wait_minutes`, or is about to do something else.

    Example:
        >>> from kerasseg.recipe import EXAMPLE, parse_recipe
        >>> take_part(parse_recipe(EXAMPLE)).is_chief
        True
    """
    cluster = parse_cluster(os.environ.get("TF_CONFIG"))
    devices = recipe.training.devices
    if cluster is None:
        return Workers(distribution.strategy(devices))
    multi_worker.check_keras()
    num_gpus = distribution.choose_gpus(devices)
    meet(cluster, _facts(recipe, num_gpus), 60 * recipe.training.wait_minutes)
    if not cluster.is_chief:
        print(f"{cluster.address} trains along; the chief, {cluster.addresses[0]}, reports")
    try:
        return Workers(multi_worker.strategy(cluster, num_gpus), cluster)
    except (tf.errors.OpError, RuntimeError) as error:
        raise KerassegError(
            f"TensorFlow cannot connect {cluster.address} with the other machines: "
            f"{first_line(error)}. See whether its port is free and TF_CONFIG right; it has to be "
            "a new process, in which TensorFlow has computed nothing."
        ) from error


def count_replicas(recipe: "Recipe") -> int:
    """Returns how many devices will share a batch, of all machines that `TF_CONFIG` names.

    It may be called before `take_part`.

    Args:
        recipe: As for `take_part`.

    Raises:
        KerassegError: If `TF_CONFIG` is malformed or a device is not there.

    Example:
        >>> from kerasseg.recipe import EXAMPLE, parse_recipe
        >>> count_replicas(parse_recipe(EXAMPLE))
        1
    """
    cluster = parse_cluster(os.environ.get("TF_CONFIG"))
    devices = recipe.training.devices
    if cluster is None:
        return distribution.strategy(devices).num_replicas_in_sync
    return len(cluster.addresses) * max(1, distribution.choose_gpus(devices))


def _facts(recipe: "Recipe", num_gpus: int) -> Mapping[str, Any]:
    """Returns what has to be the same on all machines."""
    return {
        "recipe": recipe.fingerprint,
        "number of GPUs": num_gpus,
        "kerasseg": __version__,
        **{name: version(name) for name in ("tensorflow", "keras")},
    }
