"""The report as a Markdown page."""

import re
from collections.abc import Collection, Mapping

from kerasseg.data.doctor.diagnosis import Diagnosis
from kerasseg.data.doctor.findings import Finding
from kerasseg.data.doctor.pictures import LEGEND, Picture
from kerasseg.data.doctor.tables import (
    Table,
    heading,
    headline,
    tables,
    verdict,
    weight_lines,
    weights_title,
)

MOST_PLACES = 20


def markdown_page(diagnosis: Diagnosis, pictures: Mapping[str, Picture]) -> str:
    """Returns the page.

    Args:
        diagnosis: What was found.
        pictures: By their paths beside the page.
    """
    parts = [f"# {escaped(headline(diagnosis))}", f"{verdict(diagnosis).capitalize()}."]
    parts += [f"{LEGEND} report.html shows which colour is which class."] if pictures else []
    parts.append("## Findings")
    for finding in diagnosis.findings:
        parts += [_finding(finding), *_shown(pictures, {finding.kind})]
    parts += [] if diagnosis.findings else ["None."]
    others = {each.kind for each in pictures.values()} - {each.kind for each in diagnosis.findings}
    parts += ["## Label maps with the most void", *_shown(pictures, others)] if others else []
    for table in tables(diagnosis):
        parts += [f"## {table.title}", _table(table)]
    if diagnosis.class_weights:
        lines = "\n".join(weight_lines(diagnosis))
        title = f"{escaped(weights_title(diagnosis))}:"
        parts += ["## Class weights", title, f"```toml\n{lines}\n```"]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Returns text in which nothing is taken for Markdown."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text).replace("\n", " ")


def _shown(pictures: Mapping[str, Picture], kinds: Collection[str]) -> list[str]:
    return [
        f"{escaped(each.caption)}\n\n![{each.kind}]({path})"
        for path, each in pictures.items()
        if each.kind in kinds
    ]


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
