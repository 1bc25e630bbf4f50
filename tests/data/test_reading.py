import numpy as np
import pytest
import tensorflow as tf

from kerasseg.data import load, load_folder, read_pair, shapes
from kerasseg.errors import KerassegError
from tests.data.files import LABELS, write_folder


def test_a_folder_loads_in_order_and_with_a_known_length(tmp_path):
    pairs = write_folder(tmp_path, [(24, 32), (40, 16)])
    dataset = load_folder(tmp_path, "train", LABELS)
    assert len(dataset) == 2
    for pair, (image, label) in zip(pairs, dataset, strict=True):
        expected_image, expected_label = read_pair(pair)
        assert np.array_equal(image, expected_image)
        assert np.array_equal(label, expected_label)
        assert (image.dtype, label.dtype) == (tf.uint8, tf.int32)


def test_a_bad_file_is_found_before_the_first_is_loaded(tmp_path):
    pairs = write_folder(tmp_path, [(24, 32), (40, 16)])
    pairs[1].image.write_bytes(b"")
    with pytest.raises(KerassegError, match="is corrupt or no image"):
        load_folder(tmp_path, "train", LABELS)


def test_shapes_load_by_name(tmp_path):
    shapes.write(tmp_path / "scenes", train=2, val=1)
    assert len(load("shapes", "train", data_dir=tmp_path / "scenes")) == 2


def test_camvid_loads_by_name(camvid):
    dataset = load("camvid", "val", data_dir=camvid)
    assert len(dataset) == 101
    image, label = next(iter(dataset))
    assert image.shape == (360, 480, 3)
    assert label.shape == (360, 480)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("folder", r"load_folder\(data_dir, split, labels\)"),
        ("coco_json", r"load_coco\(data_dir, split\)"),
    ],
)
def test_a_directory_of_ones_own_has_a_function_of_its_own(tmp_path, name, call):
    message = f"{name!r} is a directory of your own, .* call kerasseg.data.{call}"
    with pytest.raises(KerassegError, match=message):
        load(name, "train", data_dir=tmp_path)


def test_records_are_not_checked_again(tmp_path):
    with pytest.raises(KerassegError, match=r"records were checked when .*--on-error"):
        load("records", "train", data_dir=tmp_path, on_error="skip")
