"""The diagnosis as words for a terminal."""

from kerasseg.data.doctor.diagnosis import Diagnosis
from kerasseg.data.doctor.findings import Finding
from kerasseg.data.doctor.tables import (
    Table,
    heading,
    headline,
    tables,
    verdict,
    weight_lines,
    weights_title,
)

_MOST_PLACES = 3
_MOST_ROWS = 40


def summary(diagnosis: Diagnosis) -> str:
    """Returns what was found: each finding with its first files, the figures, and the verdict.

    Args:
        diagnosis: What was found.

    Example:
        >>> from kerasseg.data import shapes
        >>> from kerasseg.data.doctor import diagnose, open_folder
        >>> case = open_folder(shapes.ensure("shapes", train=2, val=1), labels=shapes.LABELS)
        >>> print(summary(diagnose(case)))  # doctest: +ELLIPSIS
        shapes: 2 train and 1 val pairs, 8 classes, void 255
        ...
        0 errors, ... nothing stands in the way of training
    """
    weights = weight_lines(diagnosis)
    parts = [
        headline(diagnosis),
        *map(_finding, diagnosis.findings),
        *(_aligned(table) for table in tables(diagnosis) if table.rows),
        *(["\n".join([weights_title(diagnosis), *weights])] if weights else []),
        verdict(diagnosis),
    ]
    return "\n\n".join(parts)


def _finding(finding: Finding) -> str:
    lines = [f"{finding.severity.value}: {heading(finding)}"]
    lines += [f"  {finding.summary}"] if finding.summary else []
    for place in finding.places[:_MOST_PLACES]:
        lines.append(f"  - {place.path}" + (f": {place.detail}" if place.detail else ""))
    more = len(finding.places) - _MOST_PLACES
    lines += [f"  - and {more:,} more"] if more > 0 else []
    return "\n".join([*lines, f"  {finding.advice}"])


def _aligned(table: Table) -> str:
    rows = [table.header, *table.rows[:_MOST_ROWS]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.header))]
    lines = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    more = len(table.rows) - _MOST_ROWS
    return "\n".join([*lines, f"and {more:,} more"] if more > 0 else lines)
