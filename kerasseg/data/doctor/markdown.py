"""The report as a Markdown page."""

import re
from collections.abc import Mapping

from kerasseg.data.doctor.diagnosis import Diagnosis
from kerasseg.data.doctor.findings import Finding
from kerasseg.data.doctor.pictures import Picture
from kerasseg.data.doctor.tables import Table, heading, headline, tables, weight_lines

MOST_PLACES = 20


def markdown_page(diagnosis: Diagnosis, pictures: Mapping[str, Picture]) -> str:
    """Returns the page.

    Args:
        diagnosis: What was found.
        pictures: By their paths beside the page.
    """
    parts = [f"# {escaped(headline(diagnosis))}", "## Findings"]
    parts += map(_finding, diagnosis.findings)
    parts += [] if diagnosis.findings else ["None."]
    if pictures:
        parts.append("## Pictures")
        parts += [
            f"{escaped(each.caption)}\n\n![{each.kind}]({path})" for path, each in pictures.items()
        ]
    for table in tables(diagnosis):
        parts += [f"## {table.title}", _table(table)]
    if diagnosis.class_weights:
        lines = "\n".join(weight_lines(diagnosis))
        parts += [f"## Class weights of {diagnosis.training_split}", f"```toml\n{lines}\n```"]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Returns text in which nothing is taken for Markdown."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text).replace("\n", " ")


def _finding(finding: Finding) -> str:
    lines = [f"### {finding.severity.value}: {escaped(heading(finding))}", ""]
    lines += [escaped(finding.summary), ""] if finding.summary else []
    lines += [escaped(finding.advice), ""]
    for place in finding.places[:MOST_PLACES]:
        detail = f": {escaped(place.detail)}" if place.detail else ""
        lines.append(f"- {escaped(place.path)}{detail}")
    more = len(finding.places) - MOST_PLACES
    return "\n".join([*lines, f"- and {more:,} more, all in report.json"] if more > 0 else lines)


def _table(table: Table) -> str:
    rule = ["---", *["---:"] * (len(table.header) - 1)]
    rows = [[escaped(cell) for cell in row] for row in (table.header, *table.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))
