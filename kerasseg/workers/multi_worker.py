"""What `fit` needs under `MultiWorkerMirroredStrategy`, which Keras does not support by itself.

Two things go wrong in Keras 3. Before the first step `fit` averages a batch over all replicas,
images and labels, to learn its shapes; here it takes that of one replica. After each step it
averages the logs along their first axis, which a scalar lacks; here they are of shape `(1,)`.
"""

import inspect
from typing import Any

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.workers.cluster import Cluster

_HOOKS = {"_maybe_symbolic_build": ("iterator",), "_symbolic_build": ("data_batch",)}


def check_keras() -> None:
    """Raises a `KerassegError` if this Keras has no longer what training on machines relies on."""
    for name, arguments in _HOOKS.items():
        method = getattr(keras.Model, name, None)
        if method is None:
            raise _not_with_this_keras(f"keras.Model has no {name}")
        accepted = inspect.signature(method).parameters
        for argument in arguments:
            if argument not in accepted:
                raise _not_with_this_keras(f"keras.Model.{name} takes no {argument!r}")


def _not_with_this_keras(reason: str) -> KerassegError:
    return KerassegError(
        f"Keras {keras.__version__} cannot train on several machines: {reason} any more, which "
        "kerasseg.workers.multi_worker builds upon. Install Keras 3.15, or train on one machine "
        "without TF_CONFIG."
    )


def strategy(cluster: Cluster, num_gpus: int) -> tf.distribute.Strategy:
    """Returns the strategy of several machines; it waits until TensorFlow runs on all of them.

    Args:
        cluster: The machines, and which of them this is.
        num_gpus: How many GPUs each has; 0 for its CPU.
    """
    kind, index = cluster.task
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(cluster.jobs),
        task_type=kind,
        task_id=index,
        num_accelerators={"GPU": num_gpus},
        rpc_layer="grpc",
    )
    return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)


class _MultiWorkerModel(keras.Model):
    """A functional model for `fit` and `evaluate` on several machines."""

    _shapes_known = False

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        if self._shapes_known:  # `evaluate` would read a batch for nothing
            return
        if self.steps_per_execution > 1:
            raise KerassegError(
                f"{self.steps_per_execution} steps in one call fail in TensorFlow on several "
                "machines: leave steps_per_execution at 1."
            )
        if iterator is not None:
            for _, _, batches in iterator:
                data_batch = next(batches)
                break
        strategy = self.distribute_strategy
        first = tf.nest.map_structure(
            lambda value: strategy.experimental_local_results(value)[0], data_batch
        )
        with strategy.scope():
            self._symbolic_build(data_batch=first)
        self._shapes_known = True

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        return self._reducible(super().train_step(data))

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        return self._reducible(super().test_step(data))

    def _reducible(self, logs: dict[str, Any]) -> dict[str, tf.Tensor]:
        if not self._shapes_known:
            raise _not_with_this_keras("fit does not call keras.Model._maybe_symbolic_build")
        return {name: tf.reshape(value, (1,)) for name, value in logs.items()}


def ready_to_fit(model: keras.Model) -> keras.Model:
    """Returns a functional model on the layers of another for `fit` on several machines.

    Args:
        model: A functional model, not compiled, built in the scope of the strategy.
    """
    structures = [getattr(model, name, None) for name in ("_inputs_struct", "_outputs_struct")]
    if None in structures:
        raise _not_with_this_keras("a functional model does not tell its inputs and outputs")
    return _MultiWorkerModel(*structures, name=model.name)


def dealt_out(
    batches: tf.data.Dataset, strategy: tf.distribute.Strategy, num_workers: int
) -> tf.distribute.DistributedDataset:
    """Returns the batches of one machine as `fit` takes them, without an end.

    TensorFlow asks all machines before every step whether any has a batch left where there may be
    an end, and forgets the shapes over it. `fit` is told how many steps there are.

    Args:
        batches: `(image, label)` of this machine, each a multiple of its devices.
        strategy: The devices of all machines.
        num_workers: How many machines there are.
    """
    local = strategy.num_replicas_in_sync // num_workers

    def by_device(*batch: tf.Tensor) -> tf.data.Dataset:
        parts = (tf.stack(tf.split(tensor, local)) for tensor in batch)
        return tf.data.Dataset.from_tensor_slices(tuple(parts))

    endless = (batches if local == 1 else batches.flat_map(by_device)).repeat()
    return strategy.distribute_datasets_from_function(lambda context: endless)
