"""Little data sets, and records of them."""

import pytest

from kerasseg.data.records import PairSource, open_records
from kerasseg.data.records.writing import write_records
from tests.data.files import LABELS, write_folder

SIZES = [(24, 32), (32, 24), (24, 32), (33, 41), (24, 32), (32, 24), (24, 32)]


@pytest.fixture
def pairs(tmp_path):
    return write_folder(tmp_path / "files", SIZES, suffix=".jpg")


@pytest.fixture
def write(pairs, tmp_path):
    """Writes records of the seven pairs into three shards, unless told otherwise."""

    def run(directory=None, pairs=pairs, labels=LABELS, **changes):
        arguments = {"source": "folder", "shards": 3, **changes}
        out = tmp_path / "records" if directory is None else directory
        return write_records({"train": PairSource(pairs)}, labels, out, **arguments)

    return run


@pytest.fixture
def records(write, tmp_path):
    """The directory of the records, written."""
    write()
    return tmp_path / "records"


@pytest.fixture
def split(records):
    return open_records(records).split("train")
