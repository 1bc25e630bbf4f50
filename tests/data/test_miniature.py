import numpy as np
import pytest

from kerasseg.data import check_pairs, find_pairs, read_pair
from kerasseg.data.miniature import SIZE, write_miniature
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet


def classes(count, void=255):
    return LabelSet(tuple(f"class {number}" for number in range(count)), ignore_label=void)


@pytest.mark.parametrize(("count", "void"), [(2, 255), (11, 11), (171, 255), (191, 65535)])
def test_every_class_and_void_are_in_every_image(tmp_path, count, void):
    labels = classes(count, void)
    folder = write_miniature(tmp_path / "data", labels, {"train": 2, "val": 1})
    for split, number in (("train", 2), ("val", 1)):
        pairs = find_pairs(folder, split)
        assert len(pairs) == number
        check_pairs(pairs, labels)
        for pair in pairs:
            image, label = read_pair(pair)
            assert image.shape == (*SIZE, 3)
            assert np.unique(label).tolist() == [*range(count), void]


def test_more_classes_than_an_image_holds_take_turns(tmp_path):
    folder = write_miniature(tmp_path / "data", classes(300, 65535), {"train": 2})
    maps = [read_pair(pair)[1] for pair in find_pairs(folder, "train")]
    assert np.unique(maps).tolist() == [*range(300), 65535]


def test_each_class_has_the_colour_of_its_palette(tmp_path):
    labels = classes(5)
    folder = write_miniature(tmp_path / "data", labels, {"train": 1})
    image, label = read_pair(find_pairs(folder, "train")[0])
    for number, colour in enumerate(labels.colours):
        difference = np.abs(image[label == number].astype(int) - colour)
        assert difference.max() <= 20


def test_what_is_there_is_left_alone(tmp_path):
    with pytest.raises(KerassegError, match="exists already: remove it or give another directory"):
        write_miniature(tmp_path, classes(2), {"train": 1})
    assert list(tmp_path.iterdir()) == []
