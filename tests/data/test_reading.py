import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasseg.data import load, load_folder, read_pair, shapes
from kerasseg.data.reading import decode_image, decode_label
from kerasseg.errors import KerassegError
from tests.data.files import LABELS, write_folder


def both_ways(decode, contents):
    """Decodes eagerly and inside `map`, and asserts that it is the same."""
    eager = decode(tf.constant(contents)).numpy()
    mapped = next(iter(tf.data.Dataset.from_tensors(contents).map(decode))).numpy()
    assert np.array_equal(eager, mapped)
    return eager


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_class_ids_are_read_as_they_are(tmp_path, dtype):
    ids = np.array([[0, 1, 2], [11, 254, 255]], dtype) * (1 if dtype is np.uint8 else 257)
    Image.fromarray(ids).save(tmp_path / "label.png")
    label = both_ways(decode_label, (tmp_path / "label.png").read_bytes())
    assert label.dtype == np.int32
    assert np.array_equal(label, ids)


def test_small_ids_in_sixteen_bits_are_read_as_they_are(tmp_path):
    Image.fromarray(np.array([[0, 7, 255]], np.uint16)).save(tmp_path / "label.png")
    assert both_ways(decode_label, (tmp_path / "label.png").read_bytes()).tolist() == [[0, 7, 255]]


@pytest.mark.parametrize("mode", ["P", "RGB"])
def test_a_coloured_label_map_never_becomes_ids(tmp_path, mode):
    Image.new(mode, (4, 3)).save(tmp_path / "label.png")
    with pytest.raises(tf.errors.InvalidArgumentError, match="the class ids themselves"):
        decode_label((tmp_path / "label.png").read_bytes())


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_every_image_has_three_channels(tmp_path, mode):
    Image.new(mode, (5, 4)).save(tmp_path / "image.png")
    assert both_ways(decode_image, (tmp_path / "image.png").read_bytes()).shape == (4, 5, 3)


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
