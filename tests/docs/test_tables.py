"""The tables that need no measurement are those that their programs write now."""

from benchmarks import datasets, page_table


def test_the_table_of_data_sets_is_that_of_the_catalogue(tmp_path):
    copy = tmp_path / "data.md"
    copy.write_text(datasets.PAGE.read_text())
    page_table.replace(datasets.PROGRAM, datasets.table(), copy)
    assert copy.read_text() == datasets.PAGE.read_text()
