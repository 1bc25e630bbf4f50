"""Writing one shard: examples are checked, written and noted, or it is there already."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import tensorflow as tf
from pydantic import ValidationError

from kerasseg.data.checking import OnError
from kerasseg.data.examination import examine
from kerasseg.data.examples import Example, Problem, digest
from kerasseg.data.records import storage
from kerasseg.data.records.encoding import record_of
from kerasseg.data.records.schema import ShardDescription, ShardNote, sizes_text
from kerasseg.data.records.sources import ExampleSource
from kerasseg.label_set import LabelSet

NOTES = "preparing"


@dataclass(frozen=True)
class Shard:
    """A range of a source, and the name of the file that it becomes."""

    file: str
    source: ExampleSource
    start: int
    stop: int

    @property
    def note(self) -> str:
        """Where its note lies, seen from the directory of the records."""
        return f"{NOTES}/{self.file}.json"


@dataclass(frozen=True)
class ShardWriter:
    """What all shards of a preparation have in common.

    Args:
        directory: Where the shards go.
        labels: What the label maps may hold.
        bits: Depth of the label maps in the records.
        on_error: Whether a shard without the examples that cannot be decoded is written.
        advance: Told of every example that is done with.
        refused: Once set, no further shard is begun.
        interrupted: Once set, no further example is read.
    """

    directory: str
    labels: LabelSet
    bits: int
    on_error: OnError
    advance: Callable[[int], None]
    refused: threading.Event = field(default_factory=threading.Event)
    interrupted: threading.Event = field(default_factory=threading.Event)

    def __call__(self, shard: Shard) -> ShardNote | list[Problem] | None:
        """Returns the note of a shard, its problems if it was not written, None if not begun."""
        if self.refused.is_set():
            return None
        note = self._finished(shard)
        if note is not None:
            self.advance(shard.stop - shard.start)
            return note
        problems: list[Problem] = []
        with self._temporary(shard.file) as temporary:
            note = self._write(shard, temporary, problems)
            if any(self.on_error == "raise" or not each.unreadable for each in problems):
                self.refused.set()
                return problems
            storage.move(temporary, storage.join(self.directory, shard.file))
        storage.write_text(storage.join(self.directory, shard.note), note.model_dump_json() + "\n")
        return note

    def _finished(self, shard: Shard) -> ShardNote | None:
        """Returns the note of a shard that is there, whole, and made from what is there now."""
        text = storage.read_text(storage.join(self.directory, shard.note))
        path = storage.join(self.directory, shard.file)
        if text is None or storage.length(path) is None:
            return None
        try:
            note = ShardNote.model_validate_json(text)
        except ValidationError:
            return None  # cut short by a crash: the shard is written once more
        same_source = note.digests == tuple(map(digest, shard.source.read(shard.start, shard.stop)))
        allowed = not note.skipped or self.on_error == "skip"
        same_file = storage.sha256(path) == note.shard.sha256
        return note if allowed and same_source and same_file else None

    @contextmanager
    def _temporary(self, file: str) -> Iterator[Path]:
        """Gives a path on this machine, beside the records if they are on it too."""
        if storage.is_remote(self.directory):
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder) / file
            return
        path = Path(self.directory) / NOTES / f"{file}.partial"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _write(self, shard: Shard, path: Path, problems: list[Problem]) -> ShardNote:
        sizes, orientations, digests = [], {1}, []
        with tf.io.TFRecordWriter(str(path)) as writer:
            for example in shard.source.read(shard.start, shard.stop):
                if self.interrupted.is_set():
                    raise InterruptedError(f"{shard.file} was interrupted")
                found = examine(example, self.labels)
                digests.append(digest(example))
                if isinstance(found, Problem):
                    problems.append(found)
                elif isinstance(example, Example):
                    writer.write(record_of(example, found.ids, self.bits))
                    sizes.append(found.size)
                    orientations.add(found.orientation)
                self.advance(1)
        description = ShardDescription(
            file=shard.file,
            examples=len(sizes),
            bytes=path.stat().st_size,
            sha256=storage.sha256(str(path)),
            sizes=sizes_text(sizes),
        )
        skipped = tuple(problem.message for problem in problems)
        return ShardNote(
            shard=description, turned=orientations != {1}, skipped=skipped, digests=tuple(digests)
        )
