"""The figures of a diagnosis as tables of words, for the terminal and the pages alike."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from kerasseg.data.doctor.diagnosis import Diagnosis
from kerasseg.data.doctor.findings import Finding, Severity

_MOST_SIZES = 12


@dataclass(frozen=True)
class Table:
    """A table: the first column is left-aligned, the others are right-aligned."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(diagnosis: Diagnosis) -> list[Table]:
    """Returns the tables of classes, colours of pixels, sizes and kinds of files."""
    splits = diagnosis.splits
    return [
        _classes(diagnosis),
        _channels(diagnosis),
        _counts("Sizes (width x height)", {name: each.sizes for name, each in splits.items()}),
        _counts("Images", {name: each.image_kinds for name, each in splits.items()}),
        _counts("Label maps", {name: each.label_kinds for name, each in splits.items()}),
    ]


def headline(diagnosis: Diagnosis) -> str:
    """Returns what was examined, in one line."""
    counts = " and ".join(f"{each.pairs:,} {name}" for name, each in diagnosis.splits.items())
    classes = f"{len(diagnosis.class_names)} classes"
    guessed = " (inferred from the values)" if diagnosis.inferred else ""
    return f"{diagnosis.data}: {counts} pairs, {classes}{guessed}, void {diagnosis.ignore_label}"


def heading(finding: Finding) -> str:
    """Returns what was found and how often, in one line."""
    number = len(finding.places)
    return f"{finding.title} ({number:,} {'place' if number == 1 else 'places'})"


def verdict(diagnosis: Diagnosis) -> str:
    """Returns how much was found of each severity, and what that means, in one line."""
    counts = {severity: len(diagnosis.of_severity(severity)) for severity in Severity}
    counted = ", ".join(
        f"{number} {severity.value}{'' if number == 1 else 's'}"
        for severity, number in counts.items()
    )
    healthy = "nothing stands in the way of training"
    return f"{counted}: {healthy if diagnosis.is_healthy else 'training would go wrong'}"


def weights_title(diagnosis: Diagnosis) -> str:
    """Returns what the lines of `weight_lines` are for."""
    return (
        f"Class weights of {diagnosis.training_split}: one of these lines may be put into the "
        "section [loss] of a recipe"
    )


def weight_lines(diagnosis: Diagnosis) -> list[str]:
    """Returns the class weights as lines for the section `[loss]` of a recipe, one a rule."""
    lines = []
    for rule, weights in diagnosis.class_weights.items():
        rounded = ", ".join(str(float(f"{weight:.4g}")) for weight in weights)
        lines.append(f"class_weights = [{rounded}]  # {rule}")
    return lines


def _classes(diagnosis: Diagnosis) -> Table:
    header = ["class"]
    for split in diagnosis.splits:
        header += [f"{split} pixels", "share", "in images"]
    rows = [_class_row(diagnosis, number) for number in range(len(diagnosis.class_names))]
    void = ["void"]
    for each in diagnosis.splits.values():
        void += [f"{each.void_pixels:,}", _percent(each.void_pixels, each.pixels), ""]
    shown = [row for row in rows if not diagnosis.inferred or any(set(row[1::3]) - {"0"})]
    return Table("Classes", tuple(header), (*map(tuple, shown), tuple(void)))


def _class_row(diagnosis: Diagnosis, number: int) -> list[str]:
    row = [diagnosis.class_names[number]]
    for each in diagnosis.splits.values():
        pixels = each.classes.pixels[number]
        row += [f"{pixels:,}", _percent(pixels, each.pixels), f"{each.classes.images[number]:,}"]
    return row


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.2f} %"


def _channels(diagnosis: Diagnosis) -> Table:
    rows = []
    for name, each in diagnosis.splits.items():
        for what, values in (("mean", each.mean), ("deviation", each.deviation)):
            if values is not None:
                rows.append((f"{name} {what}", *(f"{value:.2f}" for value in values)))
    return Table("Pixels", ("pixels, 0..255", "red", "green", "blue"), tuple(rows))


def _counts(title: str, counts: Mapping[str, Mapping[str, int]]) -> Table:
    total: Counter[str] = Counter()
    for of_split in counts.values():
        total.update(of_split)
    names = [name for name, _ in total.most_common(_MOST_SIZES)]
    rows = [(name, *(f"{counts[split].get(name, 0):,}" for split in counts)) for name in names]
    if len(total) > len(names):
        rest = (sum(of.values()) - sum(of.get(name, 0) for name in names) for of in counts.values())
        rows.append((f"{len(total) - len(names)} others", *(f"{number:,}" for number in rest)))
    return Table(title, (title.lower(), *counts), tuple(rows))
