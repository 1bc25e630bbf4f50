"""The tables that need no measurement are those that their programs write now."""

from pathlib import Path

from benchmarks import datasets, readme_table

README = Path(__file__).parents[2] / "README.md"


def test_the_table_of_data_sets_is_that_of_the_catalogue(tmp_path):
    copy = tmp_path / "README.md"
    copy.write_text(README.read_text())
    readme_table.replace(datasets.PROGRAM, datasets.table(), copy)
    assert copy.read_text() == README.read_text()
