"""Writes docs/data.md's table of data sets from the catalogue: python -m benchmarks.datasets."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks import page_table
from kerasseg import data

PAGE = Path(__file__).parents[1] / "docs" / "data.md"
PROGRAM = "benchmarks/datasets.py"
HEADER = "| name | classes | splits | licence | paper |\n|---|---|---|---|---|"


def main(arguments: Sequence[str] | None = None) -> None:
    """Replaces the table in docs/data.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    page_table.replace(PROGRAM, table(), options.page)
    print(table())


def table() -> str:
    """Returns a row a data set, in the order of their names."""
    return "\n".join([HEADER, *map(_row, data.names())])


def _row(name: str) -> str:
    data_set = data.describe(name)
    shown = f"[`{name}`]({data_set.homepage})" if data_set.homepage else f"`{name}`"
    splits = ", ".join(data_set.splits)
    cells = (shown, data_set.labels.num_classes, splits, data_set.licence, data_set.paper)
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
