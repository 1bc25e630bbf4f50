"""Pairs of files to the batches that `model.fit` and the evaluation take."""

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import tensorflow as tf

from kerasseg.data.augmentation import FILL_COLOUR, Augmentation
from kerasseg.data.augmentation.draws import fold
from kerasseg.data.feeds import Cache, cache_of, evaluation_feed, training_feed
from kerasseg.data.shares import ALL, only_places, part_of_batch
from kerasseg.data.streams import Split, sizes_of
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import LabelSet

Contents = tuple[tf.Tensor, ...]
# More than the cores: while a batch is put together the next images are under way.
CALLS = 4 * (os.cpu_count() or 1)


def training_batches(
    pairs: Split,
    labels: LabelSet,
    *,
    batch_size: int,
    crop_size: tuple[int, int],
    seed: int = 0,
    first_epoch: int = 0,
    epochs: int = 1,
    cache: bool | Cache = True,
    share: tuple[int, int] = ALL,
    **augmentation: Any,
) -> tf.data.Dataset:
    """Returns shuffled batches of random crops, the epochs `first_epoch..epochs-1` in one.

    An epoch has `len(pairs) // batch_size` full batches. What is in it depends on the seed,
    the number of the epoch and the place in it alone, so a data set that starts at
    `first_epoch=3` gives bit by bit what an undisturbed one gives from there on. Under a
    strategy `batch_size` is that of all replicas together.

    Args:
        pairs: Image and label files, checked by `check_pairs`, or a split of records.
        labels: Their classes and the void label, which fills what lies outside an image.
        batch_size: Crops in a batch.
        crop_size: Height and width of the crops, pixels.
        seed: Any integer; another one gives another order and other crops.
        first_epoch: The epoch to begin with, counted from 0.
        epochs: The epoch to end before.
        cache: Where the pixels are kept after every file was decoded once: `"memory"` (or
            True), `"disk"`, `"labels"` (label maps in memory, images decoded anew), or `"none"`
            (or False). `decoded_bytes` says how much room that
            takes. Without it records come in another order: they are read shard by shard.
        share: Which part of every batch is wanted, counted from 0, and of how many equal parts:
            `(1, 4)` for the second of four machines. Together the parts are the batches of one
            machine. Only the examples of the part are decoded, unless images are mixed.
        **augmentation: Any other argument of `Augmentation`: `scale=(0.5, 2.0)`, `flip=False`,
            `rotation=10`. CutMix and copy-paste take parts of the next image of the batch.

    Returns:
        A data set of known length of `(image, label)`: float32 `(batch_size, h, w, 3)`, 0..255,
        and int32 `(batch_size, h, w)`; of a part of each batch, so many times fewer images.

    Raises:
        KerassegError: If there are fewer pairs than a batch needs, a batch cannot be divided into
            its parts, an argument is unknown or out of its range, images of batches of 1 are to be
            mixed, or the cache does not fit into memory.

    Example:
        >>> from kerasseg.data import find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "train")
        >>> batches = training_batches(pairs, shapes.LABELS, batch_size=2, crop_size=(64, 96))
        >>> image, label = next(iter(batches))
        >>> image.shape, label.shape
        (TensorShape([2, 64, 96, 3]), TensorShape([2, 64, 96]))
    """
    augment = _augmentation(crop_size, augmentation)
    augment.check_batch_size(batch_size)
    own = part_of_batch(share, batch_size)
    length = _epoch_length(len(pairs), batch_size)
    _check_epochs(first_epoch, epochs)
    order, read = training_feed(
        pairs,
        labels,
        cache_of(cache),
        seed=seed,
        first_epoch=first_epoch,
        epochs=epochs,
        length=length,
    )

    def example(epoch: tf.Tensor, place: tf.Tensor, contents: Contents) -> tuple[tf.Tensor, ...]:
        image, label = read(*contents)
        if label.dtype.max < labels.ignore_label:
            label = tf.cast(label, tf.int32)  # padding is void, which 8 bits would not hold
        example_seed = fold(tf.stack([seed, epoch]), place)
        image, label = augment(image, label, example_seed, ignore_label=labels.ignore_label)
        example = image, tf.cast(label, tf.int32)
        return (*example, example_seed) if augment.mixes else example

    def mixed(images: tf.Tensor, maps: tf.Tensor, seeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, maps = augment.mix(images, maps, seeds[0], ignore_label=labels.ignore_label)
        return images[own.start : own.stop], maps[own.start : own.stop]

    # An image that takes parts of the next one of its batch needs the whole batch.
    wanted = order if augment.mixes else only_places(order, own, batch_size)
    examples = wanted.map(example, num_parallel_calls=CALLS, deterministic=True)
    batches = examples.batch(batch_size if augment.mixes else len(own), drop_remainder=True)
    if augment.mixes:
        batches = batches.map(mixed, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return _ready(batches, share)


def evaluation_batches(
    pairs: Split,
    labels: LabelSet,
    *,
    batch_size: int,
    pad_to_multiple: int = 1,
    numbered: bool = False,
    share: tuple[int, int] = ALL,
) -> tf.data.Dataset:
    """Returns every whole image once, in batches of images of one size.

    Images are never padded, since EfficientFCN's codewords see the whole image. The sizes come
    in the order in which they first occur, and within a size the images in their order; where
    all sizes are equal that is the order of the pairs. From records a batch comes as soon as its
    images have been read.

    Args:
        pairs: Image and label files, checked by `check_pairs`, or a split of records.
        labels: Their classes and the void label.
        batch_size: The largest number of images in a batch; the last batch of a size has fewer.
        pad_to_multiple: Each batch is filled up to a multiple of this with images whose label
            map is all void. With the number of replicas, no replica of a strategy is left
            without an image; with `batch_size`, all batches are full.
        numbered: Whether the place of each image in the split comes too.
        share: As for `training_batches`; `pad_to_multiple` must be a multiple of the number of
            parts.

    Returns:
        A data set of known length of `(image, label)`: uint8 `(B, H, W, 3)` and int32
        `(B, H, W)`; or `(image, label, number)` with int64 `(B,)`, -1 for an image that fills up.

    Raises:
        KerassegError: If there are no pairs or `batch_size` is not a multiple of
            `pad_to_multiple`.
        OSError: If the header of an image cannot be read.

    Example:
        >>> from kerasseg.data import find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "val")
        >>> image, label = next(iter(evaluation_batches(pairs, shapes.LABELS, batch_size=1)))
        >>> image.dtype, label.dtype, image.shape[:3] == label.shape
        (tf.uint8, tf.int32, True)
    """
    if not pairs or batch_size < 1 or pad_to_multiple < 1 or batch_size % pad_to_multiple:
        raise KerassegError(
            f"{len(pairs)} images in batches of {batch_size}, padded to a multiple of "
            f"{pad_to_multiple}: give at least one image, and a batch size that is a multiple."
        )
    part_of_batch(share, pad_to_multiple)
    feed, read = evaluation_feed(pairs, batch_size)
    sizes = set(sizes_of(pairs))
    height, width = sizes.pop() if len(sizes) == 1 else (None, None)

    def batch(numbers: tf.Tensor, contents: Contents) -> tuple[tf.Tensor, ...]:
        specs = (tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((None, None), tf.int32))
        wanted, first, length = _own_rows(tf.shape(numbers)[0], pad_to_multiple, share)
        rows = [part[first : first + tf.maximum(wanted, 1)] for part in contents]
        images, maps = tf.map_fn(lambda one: read(*one), rows, fn_output_signature=specs)
        images, maps = _filled_up(images[:wanted], maps[:wanted], length, labels.ignore_label)
        images = tf.ensure_shape(images, (None, height, width, 3))
        maps = tf.ensure_shape(maps, (None, height, width))
        if not numbered:
            return images, maps
        own_numbers = numbers[first : first + wanted]
        missing = tf.shape(maps)[0] - wanted
        return images, maps, tf.pad(own_numbers, [[0, missing]], constant_values=-1)

    return _ready(feed.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True), share)


def _augmentation(crop_size: tuple[int, int], options: Mapping[str, Any]) -> Augmentation:
    names = [field.name for field in fields(Augmentation)]
    for name in options:
        if name not in names:
            raise unknown_name("argument of training_batches", name, names)
    return Augmentation(crop_size, **options)


def _epoch_length(num_pairs: int, batch_size: int) -> int:
    if batch_size < 1 or batch_size > num_pairs:
        raise KerassegError(
            f"batch_size {batch_size} with {num_pairs} training images: give 1..{num_pairs}, "
            "since an epoch is made of full batches."
        )
    return num_pairs // batch_size * batch_size


def _check_epochs(first_epoch: int, epochs: int) -> None:
    if not 0 <= first_epoch <= epochs:
        raise KerassegError(
            f"first_epoch {first_epoch} and epochs {epochs}: give 0 <= first_epoch <= epochs."
        )


def _own_rows(
    count: tf.Tensor, multiple: int, share: tuple[int, int]
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns how many images of a batch belong to a part, the first, and the part's length.

    Of a part of void images alone the first is the last of the batch, whose size they get.
    """
    number, parts = share
    length = (count + -count % multiple) // parts
    wanted = tf.clip_by_value(count - number * length, 0, length)
    return wanted, tf.minimum(number * length, count - 1), length


def _filled_up(
    images: tf.Tensor, maps: tf.Tensor, length: tf.Tensor, ignore_label: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a batch with as many void images behind it as it lacks."""
    missing = length - tf.shape(maps)[0]
    colour = tf.cast(tf.constant(FILL_COLOUR), images.dtype)
    fill = tf.broadcast_to(colour, tf.concat([[missing], tf.shape(images)[1:]], axis=0))
    void = tf.fill(tf.concat([[missing], tf.shape(maps)[1:]], axis=0), ignore_label)
    return tf.concat([images, fill], axis=0), tf.concat([maps, void], axis=0)


def _ready(dataset: tf.data.Dataset, share: tuple[int, int]) -> tf.data.Dataset:
    options = tf.data.Options()
    options.deterministic = True
    # Without its model of the pipeline tf.data takes a thread a core. With it, every other epoch
    # ran on two cores at the pace of one (benchmarks/input_pipeline.py).
    options.autotune.enabled = False
    options.experimental_optimization.map_and_batch_fusion = True
    options.threading.max_intra_op_parallelism = 1  # the images are what is dealt out to cores
    # Files and epochs are not dealt out in shards: each worker takes its part of every batch.
    policy = tf.data.experimental.AutoShardPolicy
    options.experimental_distribute.auto_shard_policy = policy.DATA if share == ALL else policy.OFF
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)
