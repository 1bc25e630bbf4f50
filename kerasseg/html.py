"""HTML pages that need no other file: a document, its tables and its pictures."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
figure { margin: 1rem 0 } figcaption { color: #555 } img, svg { max-width: 100%; height: auto }
table { border-collapse: collapse } td, th { padding: .15rem .7rem; text-align: right }
td:first-child, th:first-child { text-align: left } tr:nth-child(even) { background: #f3f3f3 }
pre { background: #f3f3f3; padding: .7rem; overflow-x: auto }
.bar { display: inline-block; height: .8em; background: #3b6ea5 }
.track { display: inline-block; width: 12rem; background: #e4e4e4; text-align: left }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .8rem }
.pair figure { margin: 0 } .pair img { width: 100% }
.note { color: #555 } .key > span { margin-right: 1rem; white-space: nowrap }
.chip { display: inline-block; width: .9em; height: .9em; margin-right: .5em }
"""


def document(title: str, body: Iterable[str]) -> str:
    """Returns a page.

    Args:
        title: Plain text, its heading too.
        body: HTML, one part after the other.

    Example:
        >>> document("A run", ["<p>It ended.</p>"]).splitlines()[0]
        '<!DOCTYPE html>'
    """
    head = (
        '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>"
    )
    lines = "\n".join([f"<h1>{escape(title)}</h1>", *body])
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n'
        f"<body>\n{lines}\n</body>\n</html>\n"
    )


def table(header: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """Returns a table.

    Args:
        header: Plain text, one a column; empty for a table without one.
        rows: HTML, one a cell.

    Example:
        >>> table(["class", "IoU"], [["road", "0.9"]]).count("<tr>")
        2
    """
    columns = [_row(map(escape, header), "th")] if header else []
    lines = [*columns, *(_row(cells, "td") for cells in rows)]
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _row(cells: Iterable[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"


def bar(share: float) -> str:
    """Returns a bar for a number within 0..1.

    Example:
        >>> "width:25.0%" in bar(0.25)
        True
    """
    return f'<span class="track"><span class="bar" style="width:{100 * share:.1f}%"></span></span>'


def chip(colour: tuple[int, int, int]) -> str:
    """Returns a square of an RGB colour, 0..255.

    Example:
        >>> chip((255, 0, 0))
        '<span class="chip" style="background:#ff0000"></span>'
    """
    red, green, blue = colour
    return f'<span class="chip" style="background:#{red:02x}{green:02x}{blue:02x}"></span>'


def key(entries: Iterable[tuple[tuple[int, int, int], str]]) -> str:
    """Returns what colours stand for, one beside the other.

    Args:
        entries: An RGB colour, 0..255, and plain text each.

    Example:
        >>> key([((255, 0, 0), "wrong")]).count("wrong")
        1
    """
    spans = (f"<span>{chip(colour)}{escape(text)}</span>" for colour, text in entries)
    return f'<p class="key">{" ".join(spans)}</p>'


def picture(encoded: bytes, kind: str, caption: str, alternative: str = "") -> str:
    """Returns a picture with its caption.

    Args:
        encoded: Its file.
        kind: Its format, `"png"`, `"jpeg"` or `"svg+xml"`.
        caption: Plain text below it.
        alternative: What it shows, for those who cannot see it; the caption where that says it.

    Example:
        >>> picture(b"...", "png", "Loss").startswith('<figure><img src="data:image/png;base64,')
        True
    """
    source = f"data:image/{kind};base64,{b64encode(encoded).decode()}"
    shown = escape(alternative or caption)
    return (
        f'<figure><img src="{source}" alt="{shown}"><figcaption>{escape(caption)}</figcaption>'
        "</figure>"
    )
