"""A function of batches on one device or on several, each with its part of every batch."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.protocol import Protocol

Parts: TypeAlias = tuple[tf.Tensor, ...]


def replicas_of(strategy: tf.distribute.Strategy | None) -> int:
    """Returns how many devices share a batch."""
    return 1 if strategy is None else strategy.num_replicas_in_sync


def on_replicas(
    strategy: tf.distribute.Strategy | None,
    function: Callable[..., Parts],
    signature: Sequence[tf.TensorSpec],
) -> Callable[..., Parts]:
    """Returns the compiled form of a function, traced once, that deals a batch out to replicas.

    Args:
        strategy: The devices; None for TensorFlow's own choice of one, whatever scope this is in.
        function: Tensors whose first axis is the batch to a tuple of tensors of which that is
            true too, or whose first axis may have any length: those of the replicas are put one
            behind the other.
        signature: What it takes. The batch is a multiple of the number of replicas.
    """
    replicas = replicas_of(strategy)

    def own_part(*batch: tf.Tensor) -> Parts:
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        length = tf.shape(batch[0])[0] // replicas
        return function(*(part[number * length : (number + 1) * length] for part in batch))

    def step(*batch: tf.Tensor) -> Parts:
        if strategy is None:
            return function(*batch)
        results = strategy.run(own_part, args=batch)
        return tuple(
            tf.concat(strategy.experimental_local_results(part), axis=0) for part in results
        )

    return tf.function(step, input_signature=list(signature), autograph=False)


def model_on(strategy: tf.distribute.Strategy | None, model: keras.Model) -> keras.Model:
    """Returns the model; of several replicas a copy, with the weights on each of them."""
    if strategy is None or replicas_of(strategy) == 1:
        return model
    with strategy.scope():
        copy = keras.models.clone_model(model)
    copy_weights(model, copy, strategy)
    return copy


def copy_weights(
    model: keras.Model, copy: keras.Model, strategy: tf.distribute.Strategy | None
) -> None:
    """Gives what `model_on` returned the weights that the model has now; itself it has them."""
    if strategy is None or copy is model:
        return
    with strategy.scope():
        copy.set_weights(model.get_weights())


def check_shared(devices: Sequence[str], protocol: Protocol) -> None:
    """Refuses several devices for one image without tiles: each would see the same.

    Args:
        devices: Their names.
        protocol: How an image is seen.

    Raises:
        KerassegError: If it has no tiles, and there are several devices.
    """
    if len(devices) > 1 and not protocol.tile:
        raise KerassegError(
            "several devices share the tiles of an image: say --tile 1024 (in Python "
            "Protocol(tile=1024)), or name one device; training.predict --engine ray predicts an "
            "image on each GPU."
        )
