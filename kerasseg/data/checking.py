"""The look at every file before training, so that no file stops it in the middle."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, get_args

import numpy as np

from kerasseg.data.examination import examine, upright_ids
from kerasseg.data.examples import Problem, load_example, read_example
from kerasseg.data.folder import Pair
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import LabelSet

OnError = Literal["raise", "skip"]
_SKIPPED_AT_MOST = 0.01


def check_pairs(
    pairs: Sequence[Pair],
    labels: LabelSet,
    progress: bool | None = None,
    on_error: OnError = "raise",
) -> list[Pair]:
    """Reads every pair, with the decoders that training uses, and raises for what is wrong.

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
            sizes that differ, a label value that is neither a class nor void.

    Example:
        >>> from kerasseg.data import find_pairs, shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "val")
        >>> len(check_pairs(pairs, shapes.LABELS))
        1
        >>> check_pairs(pairs, LabelSet(("background",)))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: shapes/val/labels/00000.png holds the label ...
    """
    kept, skipped = sift(pairs, labels, progress, on_error)
    say_skipped(skipped)
    return kept


def say_skipped(messages: Sequence[str]) -> None:
    """Says on standard error what was left out, and why."""
    for message in messages:
        print(f"skipped: {message}", file=sys.stderr)


def sift(
    pairs: Sequence[Pair],
    labels: LabelSet,
    progress: bool | None = None,
    on_error: OnError = "raise",
) -> tuple[list[Pair], list[str]]:
    """Returns the pairs that can be used, and of each that is skipped why.

    The arguments and errors are those of `check_pairs`.
    """
    from tqdm import tqdm

    with ThreadPoolExecutor() as pool:
        results = tqdm(
            pool.map(lambda pair: problem_of(pair, labels), pairs),
            "checking the files",
            len(pairs),
            unit=" pairs",
            disable=None if progress is None else not progress,
            leave=False,
        )
        problems = list(results)
    skipped = judge([problem for problem in problems if problem], len(pairs), on_error)
    return [pair for pair, bad in zip(pairs, problems, strict=True) if not bad], skipped


def judge(problems: Sequence[Problem], total: int, on_error: OnError) -> list[str]:
    """Returns the messages of problems that may be passed over, and raises for others.

    Args:
        problems: All that were found.
        total: Of how many examples.
        on_error: As for `check_pairs`.
    """
    if on_error not in get_args(OnError):
        raise unknown_name("on_error", on_error, get_args(OnError))
    stopping = [each for each in problems if on_error == "raise" or not each.unreadable]
    if stopping:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise KerassegError(stopping[0].message + more)
    if len(problems) > _SKIPPED_AT_MOST * total:
        raise KerassegError(
            f"{len(problems)} of {total} examples cannot be decoded; on_error='skip' passes over "
            f"1 % at most. The first: {problems[0].message}"
        )
    return [problem.message for problem in problems]


def problem_of(pair: Pair, labels: LabelSet) -> Problem | None:
    """Returns what is wrong with a pair of files, None where nothing is."""
    found = examine(read_example(pair), labels)
    return found if isinstance(found, Problem) else None


def read_label(pair: Pair) -> np.ndarray:
    """Returns the class ids of a pair, upright, int32 `(H, W)`.

    Raises:
        OSError: If a file cannot be read.
    """
    return upright_ids(load_example(pair))
