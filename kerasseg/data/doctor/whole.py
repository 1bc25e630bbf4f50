"""What the images of all splits together give away: doubles, and sizes far apart."""

import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from kerasseg.data.doctor.examination import Examination
from kerasseg.data.doctor.findings import shown_path
from kerasseg.data.doctor.image_file import shown_size
from kerasseg.data.doctor.study import Study
from kerasseg.data.faults import Fault

_FAR = 8


def judge_images(study: Study) -> list[Fault]:
    """Returns what is wrong between the images of a data set.

    Args:
        study: All examinations.
    """
    return [*_duplicates(study), *_far_sizes(study)]


def _duplicates(study: Study) -> Iterator[Fault]:
    groups: dict[str, list[tuple[str, Path]]] = defaultdict(list)
    for split, examinations in study.splits.items():
        for each in examinations:
            if each.image.pixels is not None:
                groups[each.image.pixels.digest].append((split, each.pair.image))
    for group in groups.values():
        across = len({split for split, _ in group}) > 1
        kind = "duplicate-across-splits" if across else "duplicate-within-split"
        more = f" and {len(group) - 2} more" if len(group) > 2 else ""
        for place, (_, path) in enumerate(group if len(group) > 1 else ()):
            split, other = group[1 if place == 0 else 0]
            shown = f"in {split}" if other == path else shown_path(other, study.root)
            yield Fault(kind, path, f"as {shown}{more}")


def _far_sizes(study: Study) -> list[Fault]:
    readable = [each for split in study.splits.values() for each in split if each.image.pixels]
    if not readable:
        return []
    smallest, largest = min(readable, key=_side), max(readable, key=_side)
    if _side(largest) <= _FAR * _side(smallest):
        return []
    return [
        Fault("sizes-vary", each.pair.image, f"the {word}, {shown_size(_size(each))}")
        for word, each in (("smallest", smallest), ("largest", largest))
    ]


def _size(examination: Examination) -> tuple[int, int]:
    return examination.image.pixels.size if examination.image.pixels else (0, 0)


def _side(examination: Examination) -> float:
    return math.sqrt(math.prod(_size(examination)))
