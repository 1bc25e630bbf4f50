"""The report as one HTML file that holds its pictures."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from kerasseg.data.doctor.diagnosis import Diagnosis
from kerasseg.data.doctor.findings import Finding
from kerasseg.data.doctor.markdown import MOST_PLACES
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

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.3rem } h2 { font-size: 1.1rem; margin-top: 2rem } h3 { font-size: 1rem }
section { border-left: 5px solid #8a8a8a; padding-left: 1rem; margin: 1.2rem 0 }
section.error { border-color: #c62828 } section.warning { border-color: #e69500 }
figure { margin: 1rem 0 } figcaption { color: #555 } img { max-width: 100% }
table { border-collapse: collapse } td, th { padding: .15rem .7rem; text-align: right }
td:first-child, th:first-child { text-align: left } tr:nth-child(even) { background: #f3f3f3 }
.swatch { display: inline-block; width: .8em; height: .8em; border: 1px solid #888 }
pre { background: #f3f3f3; padding: .7rem; overflow-x: auto }
"""


def html_page(diagnosis: Diagnosis, pictures: Sequence[Picture]) -> str:
    """Returns the page, which needs no other file.

    Args:
        diagnosis: What was found.
        pictures: Of the worst pairs.
    """
    title = escape(headline(diagnosis))
    body = [f"<h1>{title}</h1>", f"<p>{escape(verdict(diagnosis)).capitalize()}.</p>"]
    colours = "Each colour stands beside the name of its class below."
    body += [f"<p>{escape(LEGEND)} {colours}</p>"] if pictures else []
    body.append("<h2>Findings</h2>")
    body += [_finding(finding, pictures) for finding in diagnosis.findings]
    body += [] if diagnosis.findings else ["<p>None.</p>"]
    found = {finding.kind for finding in diagnosis.findings}
    others = [_figure(picture) for picture in pictures if picture.kind not in found]
    body += ["<h2>Label maps with the most void</h2>", *others] if others else []
    classes, *more = tables(diagnosis)
    body += [_table(classes, _swatches(diagnosis)), *map(_table, more)]
    if diagnosis.class_weights:
        lines = escape("\n".join(weight_lines(diagnosis)))
        use = escape(f"{weights_title(diagnosis)}:")
        body += ["<h2>Class weights</h2>", f"<p>{use}</p>", f"<pre>{lines}</pre>"]
    return _document(title, body)


def _document(title: str, body: Iterable[str]) -> str:
    head = f'<meta charset="utf-8">\n<title>{title}</title>\n<style>{_STYLE}</style>'
    lines = "\n".join(body)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n'
        f"<body>\n{lines}\n</body>\n</html>\n"
    )


def _finding(finding: Finding, pictures: Iterable[Picture]) -> str:
    level = finding.severity.value
    parts = [f'<section class="{level}">', f"<h3>{level}: {escape(heading(finding))}</h3>"]
    parts += [f"<p>{escape(text)}</p>" for text in (finding.summary, finding.advice) if text]
    parts.append("<ul>")
    for place in finding.places[:MOST_PLACES]:
        detail = f": {escape(place.detail)}" if place.detail else ""
        parts.append(f"<li><code>{escape(place.path)}</code>{detail}</li>")
    more = len(finding.places) - MOST_PLACES
    parts += [f"<li>and {more:,} more, all in report.json</li>"] if more > 0 else []
    parts.append("</ul>")
    parts += [_figure(picture) for picture in pictures if picture.kind == finding.kind]
    return "\n".join([*parts, "</section>"])


def _figure(picture: Picture) -> str:
    width, height = picture.size
    source = "data:image/jpeg;base64," + b64encode(picture.jpeg).decode()
    return (
        f'<figure><img src="{source}" width="{width}" height="{height}" '
        f'alt="{escape(picture.caption)}"><figcaption>{escape(picture.caption)}</figcaption>'
        "</figure>"
    )


def _swatches(diagnosis: Diagnosis) -> dict[str, str]:
    """Returns a square in the colour of each class."""
    return {
        name: f'<span class="swatch" style="background: rgb{tuple(colour)}"></span> '
        for name, colour in zip(diagnosis.class_names, diagnosis.palette, strict=True)
    }


def _table(table: Table, swatches: Mapping[str, str] | None = None) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        first = (swatches or {}).get(cells[0], "") if tag == "td" else ""
        shown = "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells[1:])
        return f"<tr><{tag}>{first}{escape(cells[0])}</{tag}>{shown}</tr>"

    rows = [row(table.header, "th"), *(row(cells, "td") for cells in table.rows)]
    return f"<h2>{escape(table.title)}</h2>\n<table>\n" + "\n".join(rows) + "\n</table>"
