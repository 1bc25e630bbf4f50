"""The words of an evaluation's scores, for its pages."""

from collections.abc import Mapping, Sequence
from typing import Any

Lines = list[tuple[str, float, str]]
_ABSENT = {"skip": "left out of the means", "one": "1 in the means", "zero": "0 in the means"}
_OVERLAPS = 3  # at which tiles are compared with the whole image, where so many fit a tile


def score_lines(result: Mapping[str, Any]) -> Lines:
    """Returns name and value of each score over all classes, and what it is.

    Args:
        result: As `result_of` returns it.

    Example:
        >>> score_lines({"mean_iou": 0.5, "classes_in_mean": 2, "class_names": ["a", "b"],
        ...              "boundary_f1": {"3": 0.25}})[0]
        ('mean IoU', 0.5, 'of all 2 classes')
    """
    known: Lines = [
        (name, result[key], meaning)
        for key, name, meaning in (
            ("mean_iou", "mean IoU", _of_classes(result)),
            ("pixel_accuracy", "pixel accuracy", "share of all pixels that are right"),
            ("mean_accuracy", "mean accuracy", "mean of the classes' recalls"),
            ("frequency_weighted_iou", "frequency-weighted IoU", "by the classes' true pixels"),
            ("mean_dice", "mean Dice", "F1 of the pixels of each class"),
            ("boundary_iou", "Boundary IoU", "of what lies within 2 % of the diagonal of a border"),
        )
        if key in result
    ]
    for tolerance, score in result["boundary_f1"].items():
        unit = "pixel" if tolerance == "1" else "pixels"
        meaning = f"contours that agree to {tolerance} {unit}"
        known.append((f"boundary F1, {tolerance} {unit}", score, meaning))
    if "expected_calibration_error" in result:
        error = result["expected_calibration_error"]
        known.append(("expected calibration error", error, "the lower the better"))
    return known


def absent_words(result: Mapping[str, Any]) -> str:
    """Returns what classes that do not occur are in the means.

    Args:
        result: As `result_of` returns it.

    Example:
        >>> absent_words({"absent": "skip"}), absent_words({"absent": "one"})
        ('left out of the means', '1 in the means')
    """
    return _ABSENT[result["absent"]]


def _of_classes(result: Mapping[str, Any]) -> str:
    count, known = len(result["class_names"]), result["classes_in_mean"]
    if count == known:
        absent = result.get("absent_classes")
        counted = f", of which {len(absent)} do not occur: {absent_words(result)}" if absent else ""
        return f"of all {count} classes{counted}"
    return f"of the {known} of {count} classes that occur in truth or prediction"


def size_words(row: Mapping[str, Any]) -> str:
    """Returns a range of areas.

    Example:
        >>> size_words({"from": 16, "below": 64}), size_words({"from": 16384, "below": None})
        ('16 to 63', '16384 and more')
    """
    return f"{row['from']} to {row['below'] - 1}" if row["below"] else f"{row['from']} and more"


def score_words(value: float | None) -> str:
    """Returns a score with three digits, a dash for none.

    Example:
        >>> score_words(0.25), score_words(None)
        ('0.250', '-')
    """
    return "-" if value is None else f"{value:.3f}"


def percent(part: float, whole: float) -> str:
    """Returns a share in percent, a dash where there is nothing.

    Example:
        >>> percent(1, 8), percent(0, 0)
        ('12.5 %', '-')
    """
    return f"{100 * part / whole:.1f} %" if whole else "-"


def class_rows(result: Mapping[str, Any]) -> list[tuple[str, list[float | None], str]]:
    """Returns of each class its name, IoU, Dice, recall, precision and Boundary IoU, and its share.

    Args:
        result: As `result_of` returns it.
    """
    keys = ("iou", "dice", "accuracy", "precision", "boundary_iou")
    truth = [sum(row) for row in result["confusion"]]
    return [
        (name, [result[f"class_{key}"][name] for key in keys], percent(count, sum(truth)))
        for name, count in zip(result["class_names"], truth, strict=True)
    ]


def border_rows(result: Mapping[str, Any]) -> list[list[str]]:
    """Returns the numbers near borders and in the rest, a row a width.

    Args:
        result: As `result_of` returns it.
    """
    rows = []
    for row in result["boundary_and_interior"]:
        near, rest = row["boundary"], row["interior"]
        pixels = near["pixels"] + rest["pixels"]
        scores = [part[key] for key in ("mean_iou", "accuracy") for part in (near, rest)]
        rows.append(
            [str(row["within"]), percent(near["pixels"], pixels), *map(score_words, scores)]
        )
    return rows


def tile_rows(result: Mapping[str, Any]) -> list[list[str]]:
    """Returns each overlap of tiles, and the share of pixels whose class tiles change.

    Args:
        result: As `result_of` returns it.

    Example:
        >>> tile_rows({"tile_differences": {0: 0.125, 32: 0.0625}})
        [['0', '12.50 %'], ['32', '6.25 %']]
    """
    found = result.get("tile_differences") or {}
    return [[str(overlap), f"{100 * changed:.2f} %"] for overlap, changed in found.items()]


def tile_note(result: Mapping[str, Any]) -> str:
    """Returns what the shares of `tile_rows` are of, or why there are none; empty without tiles.

    Args:
        result: As `result_of` returns it.

    Example:
        >>> tile_note({"protocol": {"tile": 512}, "tile_differences": None})
        'every image fits into a tile of 512 pixels and is seen whole: tiles change nothing'
    """
    if "tile_differences" not in result:
        return ""
    tile, rows = result["protocol"]["tile"], tile_rows(result)
    if result["tile_differences"] is None:
        return (
            f"every image fits into a tile of {tile} pixels and is seen whole: tiles change nothing"
        )
    image = (
        f"the first image that is larger than a tile of {tile} pixels, at most two tiles high and "
        "wide"
    )
    if not rows:
        return (
            f"what tiles change is not known: {image}, could not be seen whole; if for want of "
            "memory, say a smaller --tile"
        )
    more = "; an overlap is a multiple of 32 and at most half of a tile"
    return f"of {image}{more if len(rows) < _OVERLAPS else ''}"


def tile_lines(result: Mapping[str, Any]) -> list[str]:
    """Returns what tiles change, a line an overlap, and of what; or why there is nothing to tell.

    Args:
        result: As `result_of` returns it.

    Example:
        >>> tile_lines({"protocol": {"tile": 64}, "tile_differences": {0: 0.125}})[0]
        'with an overlap of 0, 12.50 % of the pixels get another class than without tiles'
    """
    lines = [
        f"with an overlap of {overlap}, {changed} of the pixels get another class than without "
        "tiles"
        for overlap, changed in tile_rows(result)
    ]
    note = tile_note(result)
    return [*lines, f"({note})"] if note else lines


def ends_of_classes(result: Mapping[str, Any], count: int = 5) -> tuple[Sequence[str], ...]:
    """Returns the names with scores of the classes of lowest and of highest IoU.

    Args:
        result: As `result_of` returns it.
        count: How many of each.

    Example:
        >>> ends_of_classes({"class_iou": {"road": 0.9, "car": 0.5, "sky": None}}, 1)
        (['car 0.500'], ['road 0.900'])
    """
    known = [(iou, name) for name, iou in result["class_iou"].items() if iou is not None]
    ordered = [f"{name} {iou:.3f}" for iou, name in sorted(known)]
    return ordered[:count], ordered[::-1][:count]


def most_confused(result: Mapping[str, Any], count: int = 10) -> list[tuple[str, str, str, str]]:
    """Returns the pairs of classes with most wrong pixels.

    Args:
        result: As `result_of` returns it.
        count: How many at most.

    Returns:
        The true class, the predicted one, the share of the true class's pixels, and that of all
        wrong ones.

    Example:
        >>> most_confused({"class_names": ["road", "car"], "confusion": [[3, 1], [0, 4]]})
        [('road', 'car', '25.0 %', '100.0 %')]
    """
    names, confusion = result["class_names"], result["confusion"]
    wrong = [
        (pixels, true, predicted)
        for true, row in enumerate(confusion)
        for predicted, pixels in enumerate(row)
        if pixels and true != predicted
    ]
    total = sum(pixels for pixels, _, _ in wrong)
    chosen = sorted(wrong, key=lambda each: (-each[0], each[1:]))[:count]
    return [
        (
            names[true],
            names[predicted],
            percent(pixels, sum(confusion[true])),
            percent(pixels, total),
        )
        for pixels, true, predicted in chosen
    ]
