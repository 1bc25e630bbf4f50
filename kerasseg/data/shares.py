"""Parts of every batch, for machines that each read their own."""

import tensorflow as tf

from kerasseg.errors import KerassegError

ALL = (0, 1)


def part_of_batch(share: tuple[int, int], batch_size: int) -> range:
    """Returns the places of a batch, counted from 0, that belong to a part of it.

    Args:
        share: The number of the part, counted from 0, and how many equal parts there are.
        batch_size: Images in a whole batch.

    Raises:
        KerassegError: If there is no such part, or the batch cannot be divided.

    Example:
        >>> part_of_batch((1, 4), 8)
        range(2, 4)
    """
    number, parts = share
    if not 0 <= number < parts:
        raise KerassegError(f"share {share}: give the number of a part, 0..{parts - 1}.")
    if batch_size % parts:
        raise KerassegError(
            f"a batch of {batch_size} images for {parts} machines: give a multiple of {parts}."
        )
    length = batch_size // parts
    return range(number * length, (number + 1) * length)


def only_places(order: tf.data.Dataset, places: range, batch_size: int) -> tf.data.Dataset:
    """Returns those examples of a training feed that have certain places in their batch.

    Args:
        order: Number of the epoch, place in it, and more, of known length; an epoch is made of
            full batches.
        places: The places that are wanted.
        batch_size: Examples in a batch.
    """
    if len(places) == batch_size:
        return order

    def wanted(epoch: tf.Tensor, place: tf.Tensor, *contents: tf.Tensor) -> tf.Tensor:
        inside = place % batch_size
        return tf.logical_and(inside >= places.start, inside < places.stop)

    count = len(order) // batch_size * len(places)
    return order.filter(wanted).apply(tf.data.experimental.assert_cardinality(count))
