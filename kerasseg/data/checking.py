"""The look at every file before training, so that no file stops it in the middle."""

import sys
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple, get_args

import numpy as np

from kerasseg.data.examination import examine, upright_ids
from kerasseg.data.examples import load_example, read_example
from kerasseg.data.label_encoding import UNKNOWN
from kerasseg.data.pair import Pair, Problem
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import LabelSet

OnError = Literal["raise", "skip"]
_SKIPPED_AT_MOST = 0.01
_SHOWN = 12  # names that a line lists


def check_pairs(
    pairs: Sequence[Pair],
    labels: LabelSet,
    progress: bool | None = None,
    on_error: OnError = "raise",
) -> list[Pair]:
    """Reads every pair, with the decoders that training uses, and raises for what is wrong.

    Classes that no label map holds are named on standard error.

    Args:
        pairs: Image and label files.
        labels: The classes and the void label that the label maps may hold.
        progress: Whether to show a progress bar on standard error; None: where that is a
            terminal.
        on_error: What to do about a file that cannot be decoded: `"raise"`, or `"skip"` its pair
            and say so on standard error, which at most 1 % of the pairs may be. What is wrong
            with a file that can be decoded raises in any case.

    Returns:
        The pairs that can be used.

    Raises:
        KerassegError: Names the first bad file and what to do, and how many more are bad: an
            image or label that is corrupt, a label map of several channels where ids are meant,
            sizes that differ, a label value that is neither a class nor void; of the latter also
            how many names are given, and which values all label maps hold together.

    Example:
        >>> from kerasseg.data import find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "val")
        >>> len(check_pairs(pairs, shapes.LABELS))
        1
        >>> check_pairs(pairs, LabelSet(("background",)))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: shapes/val/labels/00000.png holds the label ...
    """
    found = sift(pairs, labels, progress, on_error)
    say_skipped(found.skipped, len(pairs))
    say_absent(found.absent, f"these {len(found.pairs)} pairs")
    return found.pairs


def say_skipped(messages: Sequence[str], total: int) -> None:
    """Says on standard error how much was left out, of so many examples, and of each why."""
    if messages:
        share = len(messages) / total
        print(
            f"skipped {len(messages)} of {total} ({share:.1%}):".replace("%", " %"), file=sys.stderr
        )
    for message in messages:
        print(f"  {message}", file=sys.stderr)


def say_absent(names: Sequence[str], where: str) -> None:
    """Says on standard error which classes occur nowhere."""
    if names:
        shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        count = f" ({len(names)} in all)" if len(names) > _SHOWN else ""
        print(f"no label map of {where} holds: {shown}{count}", file=sys.stderr)


class Sifted(NamedTuple):
    """What was found.

    Attributes:
        pairs: Those that can be used.
        skipped: Of each that is skipped why.
        absent: The names of the classes that no label map holds.
    """

    pairs: list[Pair]
    skipped: list[str]
    absent: list[str]


def sift(
    pairs: Sequence[Pair],
    labels: LabelSet,
    progress: bool | None = None,
    on_error: OnError = "raise",
) -> Sifted:
    """Returns the pairs that can be used, and what is missing.

    The arguments and errors are those of `check_pairs`.
    """
    from tqdm import tqdm

    with ThreadPoolExecutor() as pool:
        results = tqdm(
            pool.map(lambda pair: _look(pair, labels), pairs),
            "checking the files",
            len(pairs),
            unit=" pairs",
            disable=None if progress is None else not progress,
            leave=False,
        )
        found = list(results)
    problems = [each for each in found if isinstance(each, Problem)]
    there = {value for each in found for value in each.values}
    skipped = judge(problems, len(pairs), on_error, compared(labels, there))
    kept = [pair for pair, one in zip(pairs, found, strict=True) if not isinstance(one, Problem)]
    absent = [name for number, name in enumerate(labels.class_names) if number not in there]
    return Sifted(kept, skipped, absent if kept else [])


class _Values(NamedTuple):
    """The values of a label map with which nothing is wrong."""

    values: tuple[int, ...]


def _look(pair: Pair, labels: LabelSet) -> _Values | Problem:
    found = examine(read_example(pair), labels)
    return found if isinstance(found, Problem) else _Values(found.values)


def compared(labels: LabelSet, values: Collection[int]) -> str:
    """Returns how many names there are and how many values the label maps of all files hold.

    Args:
        labels: The classes and the void label.
        values: All that the label maps hold.
    """
    ids = sorted(set(values) - {labels.ignore_label, UNKNOWN})
    if not ids:
        return ""
    span = f"{ids[0]}..{ids[-1]}" if len(ids) > 1 else str(ids[0])
    return (
        f"{labels.num_classes} class names are given, and all label maps together hold {len(ids)} "
        f"values beside void, {span}."
    )


def judge(
    problems: Sequence[Problem], total: int, on_error: OnError, comparison: str = ""
) -> list[str]:
    """Returns the messages of problems that may be passed over, and raises for others.

    Args:
        problems: All that were found.
        total: Of how many examples.
        on_error: As for `check_pairs`.
        comparison: What is said to values that are neither a class nor void.
    """
    if on_error not in get_args(OnError):
        raise unknown_name("on_error", on_error, get_args(OnError))
    stopping = [each for each in problems if on_error == "raise" or not each.unreadable]
    if stopping:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        message = stopping[0].message + more
        raise KerassegError(f"{message}\n{comparison}" if stopping[0].values else message)
    if len(problems) > _SKIPPED_AT_MOST * total:
        raise KerassegError(
            f"{len(problems)} of {total} examples cannot be decoded; on_error='skip' passes over "
            f"1 % at most. The first: {problems[0].message}"
        )
    return [problem.message for problem in problems]


def read_label(pair: Pair) -> np.ndarray:
    """Returns the class ids of a pair, upright, int32 `(H, W)`.

    Raises:
        OSError: If a file cannot be read.
    """
    return upright_ids(load_example(pair))
