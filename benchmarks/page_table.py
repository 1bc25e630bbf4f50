"""The tables of the pages that programs write, each between two markers."""

from pathlib import Path

from kerasseg.files import atomic_file


def replace(program: str, table: str, page: Path) -> None:
    """Puts a table in place of the one that the same program wrote before.

    Args:
        program: The file that writes it, as the markers name it: `benchmarks/recipe_table.py`.
        table: Lines of Markdown.
        page: The file of the page.
    """
    begin, end = f"<!-- table: {program} -->", f"<!-- end of table: {program} -->"
    text = page.read_text()
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SystemExit(f"{page} has no place for the table: it lacks {begin} or {end}")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    with atomic_file(page) as temporary:
        temporary.write_text(f"{before}{begin}\n{table}\n{end}{after}")
