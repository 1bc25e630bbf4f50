"""Sums over the batch of all replicas, and means of it in the form that Keras takes."""

import tensorflow as tf


def sum_over_replicas(value: tf.Tensor) -> tf.Tensor:
    """Returns the sum of what every replica has; its gradient is summed over replicas too."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)


def from_all_replicas(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the rows of every replica, one behind the other, and where this one's begin."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values, tf.constant(0)
    number = tf.cast(context.replica_id_in_sync_group, tf.int32)
    # In float32, since integers lie in the memory of the host, where a GPU does not gather.
    own = tf.one_hot(number, context.num_replicas_in_sync) * tf.cast(
        tf.shape(values)[0], tf.float32
    )
    start = tf.reduce_sum(sum_over_replicas(own)[:number])
    return context.all_gather(values, axis=0), tf.cast(start, tf.int32)


def as_mean_over_images(images: tf.Tensor, total: tf.Tensor) -> tf.Tensor:
    """Returns `(N,)` whose mean, as Keras takes it, is the sum of all images by `total`.

    Keras divides the sum by its own number of images and by the number of replicas. A loss that
    returned a scalar would be multiplied by the number of replicas.

    Args:
        images: float32 `(N,)`, what each image of this replica adds.
        total: The divisor, the same on every replica; 0 makes the loss 0.
    """
    num_images = tf.cast(tf.shape(images)[0], tf.float32)
    replicas = tf.constant(tf.distribute.get_strategy().num_replicas_in_sync, tf.float32)
    return images * num_images * tf.math.divide_no_nan(replicas, total)


def weighted_mean(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Returns the mean over the pixels of the global batch, as `as_mean_over_images` does.

    Args:
        values: float32 `(N, H, W)`, finite wherever the weight is 0.
        weights: float32 `(N, H, W)`.
    """
    images = tf.reduce_sum(values * weights, axis=(1, 2))
    return as_mean_over_images(images, sum_over_replicas(tf.reduce_sum(weights)))
