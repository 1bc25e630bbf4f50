import pytest

from kerasseg.data import Pair
from kerasseg.data.label_encoding import CLASS_IDS, LabelEncoding
from kerasseg.data.reading import encoding_of
from kerasseg.errors import KerassegError


def test_a_mapping_and_its_items_are_the_same_encoding():
    assert LabelEncoding(ids={7: 0, 0: 255}) == LabelEncoding(ids=((0, 255), (7, 0)))
    assert hash(LabelEncoding(ids={7: 0})) == hash(LabelEncoding(ids={7: 0}))


def test_numbers_and_colours_exclude_each_other():
    with pytest.raises(KerassegError, match="give ids or colours"):
        LabelEncoding(ids={0: 0}, colours={(0, 0, 0): 0})


@pytest.mark.parametrize("number", [-1, 65536])
def test_a_number_that_no_png_can_store(number):
    with pytest.raises(KerassegError, match=r"0\.\.65535"):
        LabelEncoding(ids={number: 0})


def test_one_split_has_one_encoding(tmp_path):
    plain = Pair(tmp_path / "a.png", tmp_path / "a.png")
    other = Pair(tmp_path / "b.png", tmp_path / "b.png", LabelEncoding(ids={3: 0}))
    assert encoding_of([plain]) == CLASS_IDS == encoding_of([])
    with pytest.raises(KerassegError, match="ids and numbers in one data set"):
        encoding_of([plain, other])
