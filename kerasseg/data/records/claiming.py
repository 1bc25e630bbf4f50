"""Whether a directory may become that of a preparation, or holds its records already."""

import re
from collections.abc import Mapping

import tensorflow as tf

from kerasseg.data.examples import digest, fingerprint_of
from kerasseg.data.records import storage
from kerasseg.data.records.schema import (
    DESCRIPTION,
    PlanNote,
    RecordsDescription,
    read_description,
)
from kerasseg.data.records.shards import NOTES
from kerasseg.data.records.sources import ExampleSource
from kerasseg.errors import KerassegError

_SHARD_FILE = re.compile(r".+-\d{5}-of-\d{5}\.tfrecord")
_REMEDY = "Give another directory, or say --overwrite to delete what is there."


def claim(
    directory: str, plan: PlanNote, splits: Mapping[str, ExampleSource]
) -> RecordsDescription | None:
    """Makes a directory that of a plan; returns what it holds if that is finished already.

    Raises:
        KerassegError: If it holds anything but what an earlier start of the plan left.
    """
    path = storage.join(directory, DESCRIPTION)
    if text := storage.read_text(path):
        found = read_description(text, path)
        _refuse_others(directory, found, plan, splits)
        return found
    note, plan_text = storage.join(directory, NOTES, "plan.json"), plan.model_dump_json() + "\n"
    old, there = storage.read_text(note), storage.names_in(directory)
    if there and NOTES not in there:
        raise KerassegError(f"{directory} is not empty and holds no records. Give a new directory.")
    if old is None:
        tf.io.gfile.makedirs(storage.join(directory, NOTES))
        storage.write_text(note, plan_text)
    elif old != plan_text:
        raise KerassegError(
            f"{directory} holds half prepared records of other data or with other arguments. "
            f"{_REMEDY}"
        )
    return None


def _refuse_others(
    directory: str,
    found: RecordsDescription,
    plan: PlanNote,
    splits: Mapping[str, ExampleSource],
) -> None:
    shards = {name: len(split.shards) for name, split in found.splits.items()}
    wanted = {name: count for name, (_, count) in plan.splits.items()}
    pairs = {
        "source": (found.source, plan.source),
        "class names": (found.class_names, plan.class_names),
        "palette": (found.palette, plan.palette),
        "void label": (found.ignore_label, plan.ignore_label),
        "number of shards": (shards, wanted),
    }
    for what, (there, here) in pairs.items():
        if there != here:
            raise KerassegError(
                f"{directory} holds records of {what} {there}, and {here} is asked for. {_REMEDY}"
            )
    for name, source in splits.items():
        if (
            fingerprint_of(map(digest, source.read(0, len(source))))
            != found.splits[name].fingerprint
        ):
            raise KerassegError(
                f"{directory} holds records of split {name!r} that were made from other files. "
                f"{_REMEDY}"
            )


def delete_records(directory: str) -> None:
    """Deletes the records of a directory, whole or half prepared, and nothing else.

    The directory of the notes stays, as the sign that this is no directory of something else.
    """
    there = storage.names_in(directory)
    if DESCRIPTION not in there and NOTES not in there:
        return
    notes = storage.join(directory, NOTES)
    tf.io.gfile.makedirs(notes)
    # The description goes first: what is half deleted must not look whole.
    for name in sorted(there, key=lambda name: name != DESCRIPTION):
        if name == DESCRIPTION or _SHARD_FILE.fullmatch(name):
            tf.io.gfile.remove(storage.join(directory, name))
    for name in storage.names_in(notes):
        tf.io.gfile.remove(storage.join(notes, name))


def delete_notes(directory: str) -> None:
    """Deletes what a preparation has noted for the case that it is killed."""
    if NOTES in storage.names_in(directory):
        tf.io.gfile.rmtree(storage.join(directory, NOTES))
