"""Pairs of files to the batches that `model.fit` and the evaluation take."""

from collections import defaultdict
from collections.abc import Sequence

import tensorflow as tf

from kerasseg.data.augmentation import FILL_COLOUR, Augmentation
from kerasseg.data.folder import Pair
from kerasseg.data.headers import image_sizes
from kerasseg.data.memory import decoded_in_memory
from kerasseg.data.reading import reader
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet


def training_batches(
    pairs: Sequence[Pair],
    labels: LabelSet,
    *,
    batch_size: int,
    crop_size: tuple[int, int],
    scale: tuple[float, float] = (0.5, 2.0),
    flip: bool = True,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    seed: int = 0,
    first_epoch: int = 0,
    epochs: int = 1,
    cache: bool = True,
) -> tf.data.Dataset:
    """Returns shuffled batches of random crops, the epochs `first_epoch..epochs-1` in one.

    An epoch has `len(pairs) // batch_size` full batches. What is in it depends on the seed,
    the number of the epoch and the place in it alone, so a data set that starts at
    `first_epoch=3` gives bit by bit what an undisturbed one gives from there on. Under a
    strategy `batch_size` is that of all replicas together.

    Args:
        pairs: Image and label files, checked by `check_pairs`.
        labels: Their classes and the void label, which fills what lies outside an image.
        batch_size: Crops in a batch.
        crop_size: Height and width of the crops, pixels.
        scale: Smallest and largest factor of the random scale.
        flip: Whether to mirror half of the crops left to right.
        brightness: Largest shift, as a part of the range 0..255.
        contrast: Largest change of the contrast's factor 1.
        saturation: Largest change of the saturation's factor 1.
        seed: Any integer; another one gives another order and other crops.
        first_epoch: The epoch to begin with, counted from 0.
        epochs: The epoch to end before.
        cache: Whether to decode every file once and keep the pixels in memory; see
            `decoded_bytes`.

    Returns:
        A data set of known length of `(image, label)`: float32 `(batch_size, h, w, 3)`, 0..255,
        and int32 `(batch_size, h, w)`.

    Raises:
        KerassegError: If there are fewer pairs than a batch needs, an argument is out of its
            range, or the cache does not fit into memory.

    Example:
        >>> from kerasseg.data import find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "train")
        >>> batches = training_batches(pairs, shapes.LABELS, batch_size=2, crop_size=(64, 96))
        >>> image, label = next(iter(batches))
        >>> image.shape, label.shape
        (TensorShape([2, 64, 96, 3]), TensorShape([2, 64, 96]))
    """
    augment = Augmentation(crop_size, scale, flip, brightness, contrast, saturation)
    length = _epoch_length(len(pairs), batch_size)
    _check_epochs(first_epoch, epochs)
    read = decoded_in_memory(pairs, labels) if cache else reader(pairs)

    def example(epoch: tf.Tensor, place: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, ...]:
        image, label = read(index)
        example_seed = tf.random.fold_in(tf.stack([seed, epoch]), place, alg="philox")
        image, label = augment(image, label, example_seed, ignore_label=labels.ignore_label)
        return image, tf.cast(label, tf.int32)

    order = tf.data.Dataset.range(first_epoch, epochs).flat_map(
        lambda epoch: _epoch_order(seed, epoch, len(pairs), length)
    )
    order = order.apply(tf.data.experimental.assert_cardinality((epochs - first_epoch) * length))
    examples = order.map(example, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return _ready(examples.batch(batch_size, drop_remainder=True))


def evaluation_batches(
    pairs: Sequence[Pair], labels: LabelSet, *, batch_size: int, pad_to_multiple: int = 1
) -> tf.data.Dataset:
    """Returns every whole image once, in batches of images of one size.

    Images are never padded, since EfficientFCN's codewords see the whole image. The sizes come
    in the order in which they first occur, and within a size the images in their order; where
    all sizes are equal that is the order of the pairs.

    Args:
        pairs: Image and label files, checked by `check_pairs`.
        labels: Their classes and the void label.
        batch_size: The largest number of images in a batch; the last batch of a size has fewer.
        pad_to_multiple: Each batch is filled up to a multiple of this with images whose label
            map is all void. With the number of replicas, no replica of a strategy is left
            without an image; with `batch_size`, all batches are full.

    Returns:
        A data set of known length of `(image, label)`: uint8 `(B, H, W, 3)` and int32
        `(B, H, W)`.

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
    batches, sizes = _batches_of_one_size(pairs, batch_size, pad_to_multiple)
    read = reader(pairs)

    def batch(indices: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def example(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return tf.cond(
                index < 0,
                lambda: _void_example(size, labels.ignore_label),
                lambda: read(index),
            )

        specs = (tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((None, None), tf.int32))
        images, maps = tf.map_fn(example, indices, fn_output_signature=specs)
        height, width = sizes[0] if len(set(sizes)) == 1 else (None, None)
        return (
            tf.ensure_shape(images, (None, height, width, 3)),
            tf.ensure_shape(maps, (None, height, width)),
        )

    source = tf.data.Dataset.from_tensor_slices((tf.ragged.constant(batches), sizes))
    return _ready(source.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True))


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


def _epoch_order(seed: int, epoch: tf.Tensor, num_pairs: int, length: int) -> tf.data.Dataset:
    """Returns the examples of an epoch: its number, the place in it and the index of the pair."""
    indices = tf.random.experimental.stateless_shuffle(
        tf.range(num_pairs, dtype=tf.int64), tf.stack([seed, epoch]), alg="philox"
    )
    places = tf.range(length, dtype=tf.int64)
    return tf.data.Dataset.from_tensor_slices((tf.fill([length], epoch), places, indices[:length]))


def _batches_of_one_size(
    pairs: Sequence[Pair], batch_size: int, multiple: int
) -> tuple[list[list[int]], list[tuple[int, int]]]:
    """Returns the indices of each batch, -1 for an all-void image, and the size of its images."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, size in enumerate(image_sizes(pairs)):
        groups[size].append(index)
    batches, sizes = [], []
    for size, members in groups.items():
        for start in range(0, len(members), batch_size):
            batch = members[start : start + batch_size]
            batches.append(batch + [-1] * (-len(batch) % multiple))
            sizes.append(size)
    return batches, sizes


def _void_example(size: tf.Tensor, ignore_label: int) -> tuple[tf.Tensor, tf.Tensor]:
    colour = tf.cast(tf.constant(FILL_COLOUR), tf.uint8)
    image = tf.broadcast_to(colour, tf.concat([size, [3]], axis=0))
    return image, tf.fill(size, ignore_label)


def _ready(dataset: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    options.deterministic = True
    # Files and epochs are not dealt out in shards: each worker takes its part of every batch.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)
