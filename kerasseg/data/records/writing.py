"""Splits to sharded records: in parallel, and resumed where an earlier start was killed."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from kerasseg.data.checking import OnError, judge
from kerasseg.data.decoded import id_dtype
from kerasseg.data.examples import Problem, fingerprint_of
from kerasseg.data.records import storage
from kerasseg.data.records.claiming import claim, delete_notes, delete_records
from kerasseg.data.records.schema import (
    DESCRIPTION,
    PlanNote,
    RecordsDescription,
    ShardNote,
    SplitDescription,
)
from kerasseg.data.records.shards import Shard, ShardWriter
from kerasseg.data.records.sources import ExampleSource
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet
from kerasseg.version import __version__

_USUAL_SHARDS, _USUAL_BYTES = 16, 128_000_000


def write_records(
    splits: Mapping[str, ExampleSource],
    labels: LabelSet,
    directory: str | os.PathLike[str],
    *,
    source: str,
    shards: int | None = None,
    shard_bytes: int | None = None,
    overwrite: bool = False,
    on_error: OnError = "raise",
    progress: bool | None = None,
) -> RecordsDescription:
    """Writes splits as TFRecord files with checksums, and what they are into `dataset.json`.

    Every example is checked as `check_pairs` does. A shard that is there and whole, made from
    the same files, is not written again, so that a start after a kill ends with the same bytes
    as one that nothing disturbed.

    Args:
        splits: What to write, by the name of the split.
        labels: The classes and the void label.
        directory: Where to: a local path or a bucket (`gs://...`).
        source: What the splits are called in `dataset.json`.
        shards: Files for each split, of at least one example each.
        shard_bytes: About how long a file is to be, in place of their number. With neither: 16
            files, or more of 128 MB each.
        overwrite: Whether records that are there already may be deleted first.
        on_error: As for `check_pairs`.
        progress: Whether to show a progress bar on standard error; None: where that is a
            terminal.

    Raises:
        KerassegError: If an example cannot be used, or the directory holds anything else.
    """
    target = os.fspath(directory)
    planned = {name: _shards(name, each, shards, shard_bytes) for name, each in splits.items()}
    plan = PlanNote(
        source=source,
        class_names=labels.class_names,
        palette=labels.colours,
        ignore_label=labels.ignore_label,
        splits={name: (each.identity, len(planned[name])) for name, each in splits.items()},
    )
    with storage.reaching(target):
        if overwrite:
            delete_records(target)
        description = claim(target, plan, splits)
        if description is None:
            bits = id_dtype(labels).itemsize * 8
            notes = _write(target, planned, labels, bits, on_error, progress)
            description = _describe(notes, plan, bits, on_error)
            text = description.model_dump_json(indent=2) + "\n"
            storage.write_text(storage.join(target, DESCRIPTION), text)
        delete_notes(target)
    return description


def _shards(
    name: str, source: ExampleSource, shards: int | None, shard_bytes: int | None
) -> list[Shard]:
    total = len(source)
    if not total:
        raise KerassegError(f"split {name!r} is empty; give one with examples.")
    given = [number for number in (shards, shard_bytes) if number is not None]
    if len(given) > 1 or min(given, default=1) < 1:
        raise KerassegError("give either the number of shards or their size, at least 1.")
    by_size = -(-source.num_bytes // (shard_bytes or _USUAL_BYTES))
    count = shards or (by_size if shard_bytes else max(_USUAL_SHARDS, by_size))
    count = max(1, min(count, total))
    bounds = [total * number // count for number in range(count + 1)]
    return [
        Shard(f"{name}-{number:05}-of-{count:05}.tfrecord", source, *bounds[number : number + 2])
        for number in range(count)
    ]


def _write(
    directory: str,
    planned: Mapping[str, Sequence[Shard]],
    labels: LabelSet,
    bits: int,
    on_error: OnError,
    progress: bool | None,
) -> dict[str, list[ShardNote]]:
    every = [shard for shards in planned.values() for shard in shards]
    with _bar(sum(shard.stop - shard.start for shard in every), progress) as advance:
        writer = ShardWriter(directory, labels, bits, on_error, advance)
        with ThreadPoolExecutor() as pool:
            try:
                results = list(pool.map(writer, every))
            except BaseException:
                writer.interrupted.set()
                raise
    problems = [each for found in results if isinstance(found, list) for each in found]
    judge(problems, len(problems), on_error)
    done = iter([note for note in results if isinstance(note, ShardNote)])
    return {name: [next(done) for _ in shards] for name, shards in planned.items()}


@contextmanager
def _bar(total: int, progress: bool | None) -> Iterator[Callable[[int], None]]:
    from tqdm import tqdm

    disable = None if progress is None else not progress
    lock = threading.Lock()
    with tqdm(None, "writing records", total, unit=" examples", disable=disable) as bar:

        def advance(count: int) -> None:
            with lock:
                bar.update(count)

        yield advance


def _describe(
    notes: Mapping[str, Sequence[ShardNote]], plan: PlanNote, bits: int, on_error: OnError
) -> RecordsDescription:
    return RecordsDescription(
        kerasseg_version=__version__,
        source=plan.source,
        class_names=plan.class_names,
        palette=plan.palette,
        ignore_label=plan.ignore_label,
        label_bits=bits,
        splits={name: _describe_split(each, on_error) for name, each in notes.items()},
    )


def _describe_split(notes: Sequence[ShardNote], on_error: OnError) -> SplitDescription:
    skipped = [Problem(message, unreadable=True) for note in notes for message in note.skipped]
    examples = sum(note.shard.examples for note in notes)
    return SplitDescription(
        examples=examples,
        turned=any(note.turned for note in notes),
        fingerprint=fingerprint_of(each for note in notes for each in note.digests),
        skipped=tuple(judge(skipped, examples + len(skipped), on_error)),
        shards=tuple(note.shard for note in notes),
    )
