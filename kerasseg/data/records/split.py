"""Records as splits to learn from and to be measured on."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from kerasseg.data.examples import Example
from kerasseg.data.headers import GREY, Stored
from kerasseg.data.label_encoding import CLASS_IDS
from kerasseg.data.listing import shown
from kerasseg.data.records import storage
from kerasseg.data.records.encoding import read_record
from kerasseg.data.streams import ExampleStream, shuffled
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import LabelSet

if TYPE_CHECKING:
    from kerasseg.data.records.schema import RecordsDescription, ShardDescription

_READ_AHEAD = 1 << 20
_SHARDS_AT_ONCE = 16


class RecordSplit(ExampleStream):
    """A split of records, as `training_batches` and `evaluation_batches` take it.

    `kerasseg.data.open_records` makes it.

    Args:
        directory: Where the records lie.
        description: What `dataset.json` says.
        name: Of the split.

    Raises:
        KerassegError: If there is no such split.
    """

    def __init__(self, directory: str, description: "RecordsDescription", name: str) -> None:
        from kerasseg.data.records.schema import DESCRIPTION, read_sizes

        if name not in description.splits:
            raise unknown_name(f"split in {directory}/{DESCRIPTION}", name, description.splits)
        self.directory = directory
        self.name = name
        self.shards: Sequence[ShardDescription] = description.splits[name].shards
        super().__init__(
            labels=description.labels,
            sizes=[size for shard in self.shards for size in read_sizes(shard.sizes)],
            encoding=CLASS_IDS,
            stored=Stored(
                description.splits[name].turned, frozenset({(description.label_bits, GREY)})
            ),
            fingerprint=_hash(shard.sha256 for shard in self.shards),
            skipped=description.splits[name].skipped,
            place=f"{directory} ({name})",
        )

    @property
    def paths(self) -> list[str]:
        """The files, in the order of the examples."""
        return [storage.join(self.directory, shard.file) for shard in self.shards]

    def in_order(self) -> tf.data.Dataset:
        """Returns name, image and label map of every example, encoded."""
        return _parsed(tf.data.TFRecordDataset(self.paths, buffer_size=_READ_AHEAD))

    def shuffled(self, seed: tf.Tensor) -> tf.data.Dataset:
        """Returns what `in_order` does in an order that the seed decides.

        The order of the files is drawn, sixteen of them are read in turns, and what comes from
        them is shuffled in blocks of about 128 MB.

        Args:
            seed: int64 `(2,)`.
        """
        paths = tf.random.experimental.stateless_shuffle(self.paths, seed, alg="philox")
        records = tf.data.Dataset.from_tensor_slices(paths).interleave(
            lambda path: tf.data.TFRecordDataset(path, buffer_size=_READ_AHEAD),
            cycle_length=min(_SHARDS_AT_ONCE, len(self.shards)),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        total = sum(shard.bytes for shard in self.shards)
        return shuffled(_parsed(records), seed, len(self), total)

    def examples(self, places: Sequence[int]) -> list[Example]:
        """Returns the examples at some places; no file is read beyond them."""
        ends = np.cumsum([shard.examples for shard in self.shards])
        return [self._example(place, ends) for place in places]

    def _example(self, place: int, ends: np.ndarray) -> Example:
        number = int(np.searchsorted(ends, place, side="right"))
        before = int(ends[number - 1]) if number else 0
        records = _parsed(tf.data.TFRecordDataset(self.paths[number]).skip(place - before).take(1))
        name, image, label = next(records.as_numpy_iterator())
        where = f"{self.place}: {name.decode()}"
        return Example(name.decode(), image, label, CLASS_IDS, where, f"{where} (label map)")

    def check(self) -> None:
        """Compares every file with its checksum; the examples were checked when it was made.

        Raises:
            KerassegError: Names the first file that is not as it was written.
        """
        verify_shards(self.directory, self.shards)


def _parsed(records: tf.data.Dataset) -> tf.data.Dataset:
    return records.map(read_record, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Records:
    """A directory of records.

    Args:
        directory: Where it lies: a local path or a bucket.
        description: What its `dataset.json` says.
    """

    directory: str
    description: "RecordsDescription"

    @property
    def labels(self) -> LabelSet:
        """The classes and the void label."""
        return self.description.labels

    def split(self, name: str) -> RecordSplit:
        """Returns a split by its name.

        Raises:
            KerassegError: If there is none of that name.
        """
        return RecordSplit(self.directory, self.description, name)


def open_records(directory: str | os.PathLike[str]) -> Records:
    """Returns the records that `python -m training.prepare` left in a directory.

    Args:
        directory: A local path, or a bucket such as `gs://bucket/camvid`.

    Raises:
        KerassegError: If there are none, or a file is missing or of another length than
            `dataset.json` says.

    Example:
        >>> from kerasseg.data import find_pairs, shapes, training_batches
        >>> from kerasseg.data.records import PairSource
        >>> from kerasseg.data.records.writing import write_records
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "train")
        >>> splits = {"train": PairSource(pairs)}
        >>> _ = write_records(splits, shapes.LABELS, "records", source="shapes", shards=2)
        >>> records = open_records("records")
        >>> train = records.split("train")
        >>> batches = training_batches(train, records.labels, batch_size=2, crop_size=(64, 64))
        >>> len(train), len(batches)
        (2, 1)
    """
    place = os.fspath(directory)
    description = _describe(place)
    _check_lengths(place, [s for split in description.splits.values() for s in split.shards])
    return Records(place, description)


def _describe(directory: str) -> "RecordsDescription":
    from kerasseg.data.records.schema import DESCRIPTION, read_description
    from kerasseg.data.records.shards import NOTES

    path = storage.join(directory, DESCRIPTION)
    with storage.reaching(directory):
        text = storage.read_text(path)
        if text is not None:
            return read_description(text, path)
        there = storage.names_in(directory)
    if NOTES in there:
        raise KerassegError(
            f"{directory} holds half prepared records: the same training.prepare goes on with it."
        )
    raise KerassegError(
        f"{directory} holds no {DESCRIPTION}: it is no directory of records; found "
        f"{shown(there)}. Write one with training.prepare."
    )


def _check_lengths(directory: str, shards: "Sequence[ShardDescription]") -> None:
    with storage.reaching(directory), ThreadPoolExecutor() as pool:
        paths = [storage.join(directory, shard.file) for shard in shards]
        lengths = list(pool.map(storage.length, paths))
    for path, found, shard in zip(paths, lengths, shards, strict=True):
        if found is None:
            raise KerassegError(f"{path} is missing. {_REMEDY}")
        if found != shard.bytes:
            raise KerassegError(f"{path} has {found} bytes and not {shard.bytes}. {_REMEDY}")


_REMEDY = "Restore it, or prepare the records anew with --overwrite."


def verify_shards(
    directory: str, shards: "Sequence[ShardDescription]", progress: bool | None = None
) -> None:
    """Compares files with their checksums.

    Raises:
        KerassegError: Names the first file that is missing or not as it was written, and how
            many more there are.
    """
    from tqdm import tqdm

    _check_lengths(directory, shards)
    with storage.reaching(directory), ThreadPoolExecutor() as pool:
        paths = [storage.join(directory, shard.file) for shard in shards]
        hashes = tqdm(
            pool.map(storage.sha256, paths),
            "verifying the records",
            len(shards),
            unit=" files",
            disable=None if progress is None else not progress,
            leave=False,
        )
        pairs = list(zip(paths, hashes, shards, strict=True))
    bad = [path for path, found, shard in pairs if found != shard.sha256]
    if bad:
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise KerassegError(f"{bad[0]}{more} is not as it was written. {_REMEDY}")


def verify(directory: str | os.PathLike[str], progress: bool | None = None) -> Records:
    """Returns records after a comparison of every file with its checksum.

    Args:
        directory: As for `open_records`.
        progress: Whether to show a progress bar on standard error; None: where that is a
            terminal.

    Raises:
        KerassegError: If there are no records, or a file is not as it was written.

    Example:
        >>> verify("nowhere")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: nowhere holds no dataset.json: it is no directory ...
    """
    records = open_records(directory)
    splits = records.description.splits.values()
    verify_shards(records.directory, [s for split in splits for s in split.shards], progress)
    return records
