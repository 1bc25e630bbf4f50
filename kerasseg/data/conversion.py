"""Pictures that TensorFlow cannot decode, converted to PNG files once.

They lie below `KERASSEG_HOME/converted/<kind>/`, each in a directory that is named after path,
size and time of change of its source: a source that has changed is converted anew, and whatever
was converted before is used again.
"""

import hashlib
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kerasseg.data.extras import MissingPackageError
from kerasseg.data.faults import Fault, Notes, current_notes, part_of
from kerasseg.data.home import home
from kerasseg.data.pair import Problem
from kerasseg.errors import KerassegError, UnreadableError, first_line
from kerasseg.files import atomic_file

_LAYOUT = 1  # raised whenever the same source gives other pixels
_SAMPLE = 8  # so many are converted before the size of all is estimated


@dataclass(frozen=True)
class Conversion:
    """A picture to be converted.

    Args:
        source: The file that it comes from.
        name: Of the PNG, without suffix.
        read: Returns the pixels: uint8 `(H, W, 3)`, or uint8 or uint16 `(H, W)`. Where it raises
            an `UnreadableError` the others are converted all the same.
        variant: What else the pixels depend on, beside the source.
    """

    source: Path
    name: str
    read: Callable[[], np.ndarray]
    variant: str = ""


class Converted(NamedTuple):
    """The PNG file of a picture, or where it would be, and why it is not there."""

    path: Path
    problem: Problem | None = None


def convert(
    kind: str, conversions: Sequence[Conversion], progress: bool | None = None
) -> list[Converted]:
    """Returns the PNG file of each picture, after writing those that are not there yet.

    Interrupted, it goes on where it ended. Before the bulk of the work it says on standard error
    how much room that will take. Where faults are noted, the name of a source that is missing is
    returned as it is, and a picture that holds something else than is meant is noted too.

    Args:
        kind: The folder below `converted`: one for each way to convert.
        conversions: The pictures.
        progress: Whether to show a progress bar on standard error; None: where that is a
            terminal.

    Raises:
        KerassegError: If a picture holds something else than is meant, or the files would not fit
            on the disk.
    """
    notes = current_notes()
    targets = _targets(kind, conversions, notes)
    wanted = dict(zip(targets, conversions, strict=True))
    missing = {target: each for target, each in wanted.items() if _is_missing(target, each)}
    problems = _write_all(kind, missing, progress, notes) if missing else {}
    if notes is not None:
        notes.sources |= _sources(wanted)
        notes.faults += [_fault(wanted[target], problem) for target, problem in problems.items()]
    return [Converted(target, problems.get(target)) for target in targets]


def remembered(kind: str, source: Path, compute: Callable[[], Any]) -> Any:
    """Returns what `compute` does, JSON that depends on `source` alone, from a file if it can.

    Args:
        kind: As for `convert`.
        source: The file that is slow to read.
        compute: Called where nothing is remembered yet.
    """
    path = _folder(kind, source, "") / "remembered.json"
    if not path.is_file():
        value = compute()
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(value), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def _targets(kind: str, conversions: Sequence[Conversion], notes: Notes | None) -> list[Path]:
    keys = {(each.source, each.variant) for each in conversions}
    # Whoever made the list of sources has noted those that are missing.
    there = [key for key in keys if notes is None or key[0].is_file()]
    folders = {key: _folder(kind, *key) for key in there}
    return [
        folders[each.source, each.variant] / f"{each.name}.png"
        if (each.source, each.variant) in folders
        else each.source
        for each in conversions
    ]


def _is_missing(target: Path, conversion: Conversion) -> bool:
    return target != conversion.source and not target.is_file()


def _sources(wanted: Mapping[Path, Conversion]) -> dict[Path, Path]:
    """Returns what each file is made of; a part of it, where several are made of one."""
    counts = Counter(each.source for each in wanted.values())
    return {
        target: each.source if counts[each.source] == 1 else part_of(each.source, each.name)
        for target, each in wanted.items()
    }


def _fault(conversion: Conversion, problem: Problem) -> Fault:
    detail = problem.message.removeprefix(f"{conversion.source} ")
    return Fault("unconvertible-file", conversion.source, detail)


def _folder(kind: str, source: Path, variant: str) -> Path:
    try:
        state = source.stat()
    except OSError:
        raise KerassegError(f"{source} is missing. Restore it.") from None
    facts = [_LAYOUT, str(source.resolve()), state.st_size, state.st_mtime_ns, variant]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:20]
    return home() / "converted" / kind / key


def _write_all(
    kind: str, missing: Mapping[Path, Conversion], progress: bool | None, notes: Notes | None
) -> dict[Path, Problem]:
    """Writes what is missing, and returns why some of it cannot be read."""
    from tqdm import tqdm

    problems: dict[Path, Problem] = {}

    def write(target: Path) -> None:
        try:
            pixels = missing[target].read()
        except MissingPackageError:
            raise
        except KerassegError as error:
            unreadable = isinstance(error, UnreadableError)
            if notes is None and not unreadable:
                raise
            problems[target] = Problem(str(error), unreadable)
        else:
            _write(pixels, target)

    sample, rest = list(missing)[:_SAMPLE], list(missing)[_SAMPLE:]
    disable = None if progress is None else not progress
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write, sample))
        _announce(kind, [path for path in sample if path not in problems], len(missing))
        for _ in tqdm(pool.map(write, rest), "converting", len(rest), disable=disable, leave=False):
            pass
    return problems


def _write(pixels: np.ndarray, target: Path) -> None:
    from PIL import Image

    picture = Image.fromarray(pixels)
    try:
        with atomic_file(target) as temporary:
            picture.save(temporary)
    except (KerassegError, OSError) as error:
        known = isinstance(error, KerassegError)
        why = str(error) if known else f"{target} cannot be written ({first_line(error)})."
        raise KerassegError(
            f"{why} The environment variable KERASSEG_HOME chooses another directory for what is "
            "converted."
        ) from None


def _announce(kind: str, sample: Sequence[Path], count: int) -> None:
    if not sample:
        return
    needed = sum(path.stat().st_size for path in sample) * count // len(sample)
    place = home() / "converted" / kind
    print(f"converting {count} files to PNG in {place}: about {_size(needed)}", file=sys.stderr)
    free = shutil.disk_usage(place).free
    if needed > free:
        raise KerassegError(
            f"{place} would take {_size(needed)} and {_size(free)} are free there: set the "
            "environment variable KERASSEG_HOME to a directory on another disk."
        )


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e8 else f"{number / 1e6:.1f} MB"
