"""What is read next, for training and for evaluation, from files, records or a cache."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

import tensorflow as tf

from kerasseg.data.disk import decoded_on_disk
from kerasseg.data.memory import decoded_in_memory, labels_in_memory
from kerasseg.data.reading import image_windows, reader, window_reader
from kerasseg.data.streams import ExampleStream, Split, sizes_of
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import LabelSet

Cache = Literal["memory", "disk", "labels", "none"]
# From what a data set gives of an example to image (or a function of windows) and label map.
Read: TypeAlias = Callable[..., tuple[Any, tf.Tensor]]


def cache_of(wanted: bool | str) -> Cache:
    """Returns the name of a cache; True stands for `"memory"` and False for `"none"`."""
    names: tuple[Cache, ...] = get_args(Cache)
    if isinstance(wanted, bool):
        return "memory" if wanted else "none"
    for name in names:
        if name == wanted:
            return name
    raise unknown_name("cache", wanted, names)


def training_feed(
    split: Split,
    labels: LabelSet,
    cache: Cache,
    *,
    seed: int,
    first_epoch: int,
    epochs: int,
    length: int,
) -> tuple[tf.data.Dataset, Read]:
    """Returns the examples of some epochs, and the function that reads one.

    Args:
        split: Checked images and label maps.
        labels: Their classes and the void label.
        cache: Where decoded images are kept.
        seed: Decides the order, together with the number of the epoch.
        first_epoch: The epoch to begin with.
        epochs: The epoch to end before.
        length: So many examples an epoch, at most all.

    Returns:
        A data set of known length: number of the epoch, place in it, and a tuple of what the
        function takes.
    """
    read: Read
    if cache == "labels":
        read, contents = _labels_kept(split, labels), _shuffled_indices(len(split))
    elif cache != "none":
        read = (decoded_in_memory if cache == "memory" else decoded_on_disk)(split, labels)
        contents = _shuffled_indices(len(split))
    elif isinstance(split, ExampleStream):
        read, contents = split.windows, _contents(split.shuffled)
    else:
        read, contents = window_reader(split), _shuffled_indices(len(split))

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        places = tf.data.Dataset.range(length)  # the shortest of the three ends the epoch
        numbers = tf.data.Dataset.from_tensors(number).repeat()
        return tf.data.Dataset.zip((numbers, places, contents(tf.stack([seed, number]))))

    feed = tf.data.Dataset.range(first_epoch, epochs).flat_map(epoch)
    known = tf.data.experimental.assert_cardinality((epochs - first_epoch) * length)
    return feed.apply(known), read


def names_in_feed(split: Split, cache: Cache, *, seed: int, epoch: int, places: range) -> list[str]:
    """Returns what messages call the images at some places of an epoch of `training_feed`.

    Args:
        split: The same as there.
        cache: The same as there, which the order of records depends on.
        seed: The same as there.
        epoch: Its number.
        places: Places in it.

    Raises:
        OSError: If records cannot be read.
    """
    own = tf.stack([tf.constant(seed, tf.int64), epoch])
    if isinstance(split, ExampleStream) and cache == "none":
        part = split.shuffled(own).skip(places.start).take(len(places))
        return [name.decode() for name, _, _ in part.as_numpy_iterator()]
    order = _shuffled_indices(len(split))(own).skip(places.start).take(len(places))
    indices = [int(index) for (index,) in order.as_numpy_iterator()]
    if isinstance(split, ExampleStream):
        return [example.name for example in split.examples(indices)]
    return [str(split[index].image) for index in indices]


def _labels_kept(split: Split, labels: LabelSet) -> Read:
    if isinstance(split, ExampleStream):
        raise KerassegError(
            "records are read from their beginning to their end, so that their label maps alone "
            'cannot be kept: pass cache="memory", "disk" or "none".'
        )
    images, maps = image_windows(split), labels_in_memory(split, labels)
    return lambda index: (images(index), maps(index))


def _shuffled_indices(count: int) -> Callable[[tf.Tensor], tf.data.Dataset]:
    def indices(seed: tf.Tensor) -> tf.data.Dataset:
        order = tf.range(count, dtype=tf.int64)
        order = tf.random.experimental.stateless_shuffle(order, seed, alg="philox")
        return tf.data.Dataset.from_tensor_slices((order,))

    return indices


def _contents(
    shuffled: Callable[[tf.Tensor], tf.data.Dataset],
) -> Callable[[tf.Tensor], tf.data.Dataset]:
    return lambda seed: shuffled(seed).map(lambda name, image, label: (image, label))


def evaluation_feed(split: Split, batch_size: int) -> tuple[tf.data.Dataset, Read]:
    """Returns every example once, in batches of images of one size, and what reads one example.

    Args:
        split: Checked images and label maps.
        batch_size: The largest number of images in a batch.

    Returns:
        A data set of known length of the numbers of the examples, int64 `(B,)`, and a tuple of
        what the function takes, stacked.
    """
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, size in enumerate(sizes_of(split)):
        groups[size].append(index)
    if isinstance(split, ExampleStream):
        return _grouped(split, groups, batch_size), split.decode
    batches = [
        members[start : start + batch_size]
        for members in groups.values()
        for start in range(0, len(members), batch_size)
    ]
    feed = tf.data.Dataset.from_tensor_slices(tf.ragged.constant(batches, tf.int64))
    return feed.map(lambda indices: (indices, (indices,))), reader(split)


def _grouped(
    stream: ExampleStream, groups: dict[tuple[int, int], list[int]], batch_size: int
) -> tf.data.Dataset:
    """Returns encoded images and label maps; of each size one unfinished batch is kept waiting."""
    numbers = {size: number for number, size in enumerate(groups)}
    keys = tf.constant([numbers[size] for size in stream.sizes], tf.int64)
    examples = stream.in_order().map(lambda name, image, label: (image, label)).enumerate()
    batches = examples.group_by_window(
        key_func=lambda index, _: keys[index],
        reduce_func=lambda _, window: window.batch(batch_size),
        window_size=batch_size,
    )
    count = sum(-(-len(members) // batch_size) for members in groups.values())
    return batches.apply(tf.data.experimental.assert_cardinality(count))
