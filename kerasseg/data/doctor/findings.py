"""What the doctor can find, how bad each thing is, and what to do about it."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kerasseg.data.faults import Fault


class Severity(StrEnum):
    """How bad a finding is.

    With an error, training stops, learns something else than is meant, or its score misleads.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Kind:
    """One thing that can be found: how bad it is, what it is, and what to do."""

    severity: Severity
    title: str
    advice: str


def _error(title: str, advice: str) -> Kind:
    return Kind(Severity.ERROR, title, advice)


def _warning(title: str, advice: str) -> Kind:
    return Kind(Severity.WARNING, title, advice)


def _note(title: str, advice: str) -> Kind:
    return Kind(Severity.NOTE, title, advice)


KINDS: dict[str, Kind] = {
    "empty-split": _error("a split without pairs", "Put files into images/ and labels/."),
    "unreadable-name": _error("a name that is no UTF-8 text", "Rename the file."),
    "unreadable-file": _error(
        "a file that cannot be opened", "Restore it, or give the right to read it."
    ),
    "stray-file": _error(
        "a file among images or labels that is neither", "Convert it to JPEG or PNG, or remove it."
    ),
    "same-stem": _error(
        "files whose names differ in the suffix alone", "Rename or remove all but one."
    ),
    "image-without-label": _error(
        "an image without a label map", "Add the label map of the same name, or remove the image."
    ),
    "label-without-image": _error(
        "a label map without an image", "Add the image of the same name, or remove the label map."
    ),
    "missing-file": _error(
        "a file that the data set lists and that is not there",
        "Restore it, or take it off the list.",
    ),
    "unconvertible-file": _error(
        "a file that cannot be converted to PNG", "Restore it from its archive."
    ),
    "other-categories": _error(
        "a split whose categories are not those of the other splits; it was not examined",
        "Export all splits with the same categories, in one order.",
    ),
    "bad-annotation": _error(
        "an annotation that cannot be drawn", "Correct it or remove it from the JSON file."
    ),
    "corrupt-image": _error(
        "an image that cannot be decoded", "Restore it, or remove it and its label map."
    ),
    "corrupt-label": _error(
        "a label map that cannot be decoded", "Restore it, or remove it and its image."
    ),
    "image-format": _error(
        "an image of a format that training cannot read", "Convert it to JPEG, PNG, BMP or WebP."
    ),
    "label-format": _error(
        "a label map that is no PNG by its contents",
        "Export it anew as PNG; converting it does not help where JPEG has blended its values.",
    ),
    "turned-format": _error(
        "an image that EXIF data turn in a format where only JPEG is honoured",
        "Turn the pixels themselves and clear the tag.",
    ),
    "rgb-label": _error("a label map in colours where class ids are meant", "Convert it."),
    "alpha-label": _error(
        "a label map with an alpha channel", "Save it with one channel that holds the class ids."
    ),
    "size-mismatch": _error(
        "a label map of another size than its image",
        "Export it anew at the size of the image; a resize must take the nearest neighbour. In "
        "annotations correct the height and width that the JSON file gives the image.",
    ),
    "binary-mask": _error(
        "a mask of 0 and 255 where class ids are meant",
        "Write 1 in place of 255, and name both classes (background first).",
    ),
    "one-too-high": _error(
        "class ids that begin at 1",
        "Subtract 1 from every id but void. If 0 really occurs nowhere, do not name it a class.",
    ),
    "value-gaps": _error(
        "values with wide gaps between them where classes are counted 0, 1, 2, ...",
        "Grey levels that stand for classes have to be numbered anew, stray values relabelled. "
        "Name the classes (--class-names) to see which values are meant.",
    ),
    "values-outside": _error(
        "values that are neither a class nor void",
        "Relabel them, or correct the class names or the ignore label.",
    ),
    "one-class-only": _error(
        "a split whose label maps hold one class alone", "Check how the label maps were exported."
    ),
    "duplicate-across-splits": _error(
        "the same pixels in two splits, which makes the score look better than it is",
        "Remove them from one of the two.",
    ),
    "duplicate-within-split": _warning(
        "the same pixels more than once in a split", "Remove all but one."
    ),
    "unlisted-image": _warning(
        "an image that the annotations do not list",
        "It is not trained on. List it (without an annotation, where it shows background alone), "
        "or remove it.",
    ),
    "all-void": _warning("a label map of void alone", "Label it, or remove it and its image."),
    "single-class": _warning(
        "a label map of a single class", "Look whether its objects were forgotten."
    ),
    "absent-class": _warning(
        "a class that never occurs", "Add images of it, or do not name it a class."
    ),
    "much-void": _warning(
        "more than half of all pixels void", "Is the ignore label that of the unlabelled pixels?"
    ),
    "small-image": _warning(
        "an image below 32 pixels on a side", "It is padded; remove it if it shows nothing."
    ),
    "sizes-vary": _warning(
        "images of very different sizes",
        "One crop shows little of the largest and all of the smallest: resize them alike.",
    ),
    "alpha-image": _warning(
        "an image with transparent pixels", "Their hidden colours are seen; flatten the image."
    ),
    "orientation-ambiguous": _warning(
        "an image that EXIF data turn, whose label map fits it both ways",
        "It is turned with the image. If it was drawn on the upright image, turn the pixels of "
        "the image themselves and clear the tag.",
    ),
    "turned-image": _note(
        "an image that EXIF data turn", "It is read upright, and its label map with it."
    ),
    "cmyk-image": _note("an image in CMYK", "It is read as RGB, without its colour profile."),
    "sixteen-bit-image": _note("an image of 16 bits", "It is read with the upper 8 bits."),
    "palette-label": _note(
        "a label map with a palette", "Its indices are read as class ids, whatever their colours."
    ),
    "sixteen-bit-label": _note("a label map of 16 bits", "Its values are read as they are."),
    "unread-file": _note("a file beside images/ and labels/", "It is not read."),
    "unread-split": _note("a split that was not examined", "Name it after --splits to do so."),
}


@dataclass(frozen=True)
class Place:
    """Where something was found: a path below the data directory, and what is special there."""

    path: str
    detail: str


@dataclass(frozen=True)
class Finding:
    """Everything found of one kind.

    Args:
        kind: A key of `KINDS`.
        severity: How bad it is.
        title: What it is.
        summary: What its files have in common; may be empty.
        advice: What to do.
        places: Every file or folder where it was found.
    """

    kind: str
    severity: Severity
    title: str
    summary: str
    advice: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Remark:
    """What is said of a kind in this data set beside its title, and in place of its advice."""

    summary: str = ""
    advice: str = ""


def gather(
    faults: Iterable[Fault], root: Path, remarks: Mapping[str, Remark] | None = None
) -> tuple[Finding, ...]:
    """Returns one finding for each kind of fault, the worst first.

    Args:
        faults: In any order, which is kept within a kind.
        root: The data directory.
        remarks: For some kinds, what is to be said of them.
    """
    by_kind: dict[str, list[Place]] = defaultdict(list)
    for fault in faults:
        by_kind[fault.kind].append(Place(shown_path(fault.path, root), fault.detail))
    return tuple(
        _finding(name, by_kind[name], (remarks or {}).get(name, Remark()))
        for name in KINDS
        if name in by_kind
    )


def _finding(name: str, places: list[Place], remark: Remark) -> Finding:
    kind = KINDS[name]
    advice = remark.advice or kind.advice
    return Finding(name, kind.severity, kind.title, remark.summary, advice, tuple(places))


def shown_path(path: Path, root: Path) -> str:
    """Returns a path below the data directory as text."""
    return as_text(path.relative_to(root) if path.is_relative_to(root) else path)


def as_text(path: Path) -> str:
    """Returns a path as text, also where its name is none."""
    return os.fsencode(path).decode("utf-8", "backslashreplace").replace(os.sep, "/")
