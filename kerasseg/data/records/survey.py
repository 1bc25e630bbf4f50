"""The look at every example of a source that is not written but read as it is."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kerasseg.data.checking import OnError, compared, judge
from kerasseg.data.examination import examine
from kerasseg.data.examples import Example, Problem, digest, fingerprint_of
from kerasseg.data.headers import Stored, png_kind
from kerasseg.data.records.sources import ExampleSource
from kerasseg.label_set import LabelSet

_AT_LEAST = 32  # examples that are worth the opening of a range


@dataclass(frozen=True)
class Survey:
    """What was found.

    Attributes:
        kept: Which examples can be used.
        sizes: Height and width of each of those as it is to be seen.
        stored: How they are stored.
        fingerprint: Of all examples.
        skipped: Of each that is skipped why.
    """

    kept: tuple[bool, ...]
    sizes: tuple[tuple[int, int], ...]
    stored: Stored
    fingerprint: str
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class _Seen:
    digest: tuple[str, str]
    problem: Problem | None = None
    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    kind: tuple[int, int] | None = None
    values: tuple[int, ...] = ()


def survey(
    source: ExampleSource, labels: LabelSet, on_error: OnError, progress: bool | None = None
) -> Survey:
    """Checks every example of a source as `check_pairs` does, and returns what they are.

    Args:
        source: Any examples.
        labels: The classes and the void label that their label maps may hold.
        on_error: As for `check_pairs`.
        progress: Whether to show a progress bar on standard error; None: where that is a
            terminal.

    Raises:
        KerassegError: If examples cannot be used.
    """
    seen = _see_all(source, labels, progress)
    problems = [each.problem for each in seen if each.problem]
    there = {value for each in seen for value in each.values}
    skipped = judge(problems, len(seen), on_error, compared(labels, there))
    good = [each for each in seen if each.problem is None]
    return Survey(
        kept=tuple(each.problem is None for each in seen),
        sizes=tuple(each.size for each in good),
        stored=Stored(
            turned=any(each.orientation != 1 for each in good),
            labels=frozenset(each.kind for each in good if each.kind),
        ),
        fingerprint=fingerprint_of(each.digest for each in seen),
        skipped=tuple(skipped),
    )


def _see_all(source: ExampleSource, labels: LabelSet, progress: bool | None) -> Sequence[_Seen]:
    from tqdm import tqdm

    step = max(_AT_LEAST, len(source) // (4 * (os.cpu_count() or 1)))
    disable = None if progress is None else not progress
    with (
        tqdm(None, "checking the examples", len(source), disable=disable, leave=False) as bar,
        ThreadPoolExecutor() as pool,
    ):

        def see_range(start: int) -> list[_Seen]:
            return [_see(each, labels) for each in source.read(start, start + step)]

        seen: list[_Seen] = []
        for part in pool.map(see_range, range(0, len(source), step)):
            seen += part
            bar.update(len(part))
    return seen


def _see(example: Example | Problem, labels: LabelSet) -> _Seen:
    found = examine(example, labels)
    if isinstance(found, Problem):
        return _Seen(digest(example), found, values=found.values)
    return _Seen(
        digest(example),
        size=found.size,
        orientation=found.orientation,
        kind=png_kind(example.label) if isinstance(example, Example) else None,
        values=found.values,
    )
