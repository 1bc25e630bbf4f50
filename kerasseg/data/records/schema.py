"""What `dataset.json` beside the records says, and the notes of a preparation under way."""

import json
import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from kerasseg.errors import KerassegError, first_complaint
from kerasseg.label_set import Colour, LabelSet

SCHEMA_VERSION = 1
DESCRIPTION = "dataset.json"
_SIZES = re.compile(r"(\d+)x(\d+)(?:\*(\d+))?")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ShardDescription(_Part):
    """A file of records.

    Attributes:
        file: Its name.
        examples: How many it holds.
        bytes: Its length.
        sha256: Its hash, hexadecimal.
        sizes: Height x width of each image as it is to be seen, as `sizes_text` writes them.
    """

    file: str
    examples: int
    bytes: int
    sha256: str
    sizes: str


class SplitDescription(_Part):
    """A split.

    Attributes:
        examples: How many there are.
        turned: Whether a camera turned any of the images.
        fingerprint: Of the files that it was made from, as `kerasseg.data.fingerprint` says.
        skipped: Why examples were left out, one message each.
        shards: Its files, in the order of the examples.
    """

    examples: int
    turned: bool
    fingerprint: str
    skipped: tuple[str, ...] = ()
    shards: tuple[ShardDescription, ...]


class RecordsDescription(_Part):
    """The contents of `dataset.json`, which is written last: every example has been checked.

    Attributes:
        schema_version: Raised whenever a reader of the older form would go wrong.
        kerasseg_version: The version that wrote the records.
        source: What they were made from: a name of the catalogue, `"folder"`, `"tfds:..."`.
        class_names: One a class, in the order of the class ids.
        palette: One RGB colour (0..255) a class.
        ignore_label: The value of void pixels.
        label_bits: Depth of the label maps, grey PNGs of class ids: 8 or 16.
        splits: By name.
    """

    schema_version: int = SCHEMA_VERSION
    kerasseg_version: str
    source: str
    class_names: tuple[str, ...]
    palette: tuple[Colour, ...]
    ignore_label: int
    label_bits: int
    splits: dict[str, SplitDescription]

    @property
    def labels(self) -> LabelSet:
        """The classes, their colours and the void label."""
        return LabelSet(self.class_names, self.palette, self.ignore_label)


class PlanNote(_Part):
    """What is to be written; another plan may not go on in the same directory.

    Attributes:
        splits: Identity of the source and number of shards, by the name of the split.
    """

    source: str
    class_names: tuple[str, ...]
    palette: tuple[Colour, ...]
    ignore_label: int
    splits: dict[str, tuple[str, int]]


class ShardNote(_Part):
    """A shard that has been written, and from what.

    Attributes:
        shard: What it is.
        turned: Whether a camera turned any of its images.
        skipped: Why examples were left out.
        digests: Name and digest of every example that it was made from.
    """

    shard: ShardDescription
    turned: bool
    skipped: tuple[str, ...]
    digests: tuple[tuple[str, str], ...]


def read_description(text: str, place: str) -> RecordsDescription:
    """Returns the description that a text holds.

    Raises:
        KerassegError: If it is malformed or of another schema version.
    """
    remedy = "Restore the file, or prepare the records anew with --overwrite."
    try:
        values: Any = json.loads(text)
    except ValueError as error:
        raise KerassegError(f"{place} is not JSON: {error}. {remedy}") from None
    version = values.get("schema_version") if isinstance(values, dict) else None
    # The version comes first: a newer schema may well have keys that this one forbids.
    if version is not None and version != SCHEMA_VERSION:
        raise KerassegError(
            f"{place} has schema version {version}; this kerasseg reads version {SCHEMA_VERSION}. "
            f"Use kerasseg {values.get('kerasseg_version')}."
        )
    try:
        return RecordsDescription.model_validate(values)
    except ValidationError as error:
        complaint = first_complaint(error)
        raise KerassegError(f"{place} describes no records: {complaint}.") from None


def sizes_text(sizes: Iterable[tuple[int, int]]) -> str:
    """Returns sizes as a text; equal ones that follow each other are counted.

    Example:
        >>> sizes_text([(360, 480), (360, 480), (375, 500)])
        '360x480*2 375x500'
    """
    runs = [(size, len(list(run))) for size, run in groupby(sizes)]
    return " ".join(f"{h}x{w}" + (f"*{count}" if count > 1 else "") for (h, w), count in runs)


def read_sizes(text: str) -> list[tuple[int, int]]:
    """Returns the sizes that `sizes_text` wrote.

    Example:
        >>> read_sizes("360x480*2 375x500")
        [(360, 480), (360, 480), (375, 500)]
    """
    found = _SIZES.findall(text)
    return [(int(h), int(w)) for h, w, count in found for _ in range(int(count or 1))]
