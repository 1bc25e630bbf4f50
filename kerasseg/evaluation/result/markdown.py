"""An evaluation as Markdown, for a pull request."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kerasseg.evaluation.result.wording import (
    absent_words,
    border_rows,
    class_rows,
    percent,
    score_lines,
    score_words,
    size_words,
    tile_note,
    tile_rows,
)

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&#])")
_MOST_CLASSES = 30
_WORST = 5


def markdown_of(title: str, result: Mapping[str, Any]) -> str:
    """Returns scores, classes, borders, sizes and the worst images as tables that GitHub takes.

    Args:
        title: Plain text.
        result: As `result_of` returns it.
    """
    scores = [[name, score_words(value), meaning] for name, value, meaning in score_lines(result)]
    parts = [
        f"## {_plain(title)}",
        _table(["score", "", ""], scores),
        _classes(result),
        "### Near borders and in the rest",
        _table(
            ["pixels to a border", "of all", "IoU near", "IoU rest", "accuracy near", "rest"],
            border_rows(result),
        ),
        "### By the size of connected regions",
        _table(["pixels of a region", "regions", "of all pixels", "recall"], _sizes(result)),
        *_tiles(result),
        "### Lowest images",
        _table(["image", "mean IoU"], _images(result)),
        f"{len(result['images'])} images, {result['images_per_second']} a second; kerasseg "
        f"{_plain(result['kerasseg_version'])}, data {_plain(result['fingerprint'])}. Classes that "
        f"do not occur are {absent_words(result)}.",
    ]
    return "\n\n".join(parts) + "\n"


def _classes(result: Mapping[str, Any]) -> str:
    header = ["class", "IoU", "Dice", "recall", "precision", "Boundary IoU", "of all pixels"]
    rows = [[name, *map(score_words, scores), part] for name, scores, part in class_rows(result)]
    found = _table(header, rows)
    if len(rows) <= _MOST_CLASSES:
        return f"### Classes\n\n{found}"
    return f"<details>\n<summary>{len(rows)} classes</summary>\n\n{found}\n\n</details>"


def _sizes(result: Mapping[str, Any]) -> list[list[str]]:
    rows = result["region_sizes"]
    pixels = sum(row["pixels"] for row in rows)
    return [
        [
            size_words(row),
            str(row["regions"]),
            percent(row["pixels"], pixels),
            score_words(row["recall"]),
        ]
        for row in rows
    ]


def _tiles(result: Mapping[str, Any]) -> list[str]:
    note, rows = tile_note(result), tile_rows(result)
    if not note:
        return []
    table = [_table(["overlap", "pixels of another class than without tiles"], rows)]
    sentence = f"{note[0].upper()}{note[1:]}."
    return ["### What tiles change", *(table if rows else []), _plain(sentence)]


def _images(result: Mapping[str, Any]) -> list[list[str]]:
    known = [each for each in result["images"] if each["iou"] is not None]
    lowest = sorted(known, key=lambda each: each["iou"])[:_WORST]
    return [[each["name"], score_words(each["iou"])] for each in lowest]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = [":--", *["--:"] * (len(header) - 1)]
    cells = [header, rule, *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _plain(text: str) -> str:
    """Returns text in which nothing has a meaning of its own, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
