"""Two replicas on the logical CPU devices that `conftest.py` sets up."""

import tensorflow as tf

from kerasseg.workers import distribution

TWO = ("CPU:0", "CPU:1")


def two_replicas() -> tf.distribute.Strategy:
    strategy = distribution.strategy(TWO)
    assert strategy.num_replicas_in_sync == 2
    return strategy


def dealt_out(strategy: tf.distribute.Strategy, *arrays, batch_size: int):
    """Returns batches of the arrays, each split over the replicas."""
    dataset = tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size)
    return strategy.experimental_distribute_dataset(dataset)


def on_each_replica(strategy: tf.distribute.Strategy, function, values) -> None:
    """Calls a function on each replica, in a graph, with that replica's value."""
    own = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(values[context.replica_id_in_sync_group], tf.float32)
    )
    tf.function(lambda: strategy.run(function, args=(own,)))()
