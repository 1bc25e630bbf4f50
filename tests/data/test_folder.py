import shutil

import pytest

from kerasseg.data import LabelEncoding, find_pairs, fingerprint
from kerasseg.errors import KerassegError
from tests.data.files import write_folder


@pytest.fixture
def folder(tmp_path):
    write_folder(tmp_path / "photos", [(16, 16)] * 3)
    return tmp_path / "photos"


def refused(folder, message, split="train"):
    with pytest.raises(KerassegError, match=message) as caught:
        find_pairs(folder, split)
    assert str(folder) in str(caught.value)


def test_pairs_come_sorted_by_name(folder):
    pairs = find_pairs(folder, "train")
    assert [pair.name for pair in pairs] == ["000", "001", "002"]
    assert pairs[0].image == folder / "train" / "images" / "000.png"
    assert pairs[0].label == folder / "train" / "labels" / "000.png"


def test_hidden_files_are_passed_over(folder):
    (folder / "train" / "images" / ".thumbnails").write_text("")
    assert len(find_pairs(folder, "train")) == 3


def test_no_such_directory(tmp_path):
    refused(tmp_path / "nowhere", "no such data directory: .*nowhere")


def test_no_such_split_names_those_that_exist(folder):
    refused(
        folder, "no split 'test': it has train. Expected test/images .*; found train/", split="test"
    )


def test_a_directory_without_any_split(tmp_path):
    refused(tmp_path, "no split 'train': no folder in it holds images/. Expected .*; found nothing")


def test_a_split_without_labels_folder(folder):
    shutil.rmtree(folder / "train" / "labels")
    refused(folder, "has no folder labels/; it needs images/ and labels/; found images/")


def test_an_empty_split(folder):
    for path in (folder / "train").glob("*/*.png"):
        path.unlink()
    refused(folder, "is empty: put images into images/")


def test_images_without_a_label_are_counted_and_named(folder):
    for name in ("000", "002"):
        (folder / "train" / "labels" / f"{name}.png").unlink()
    refused(folder, "images.000.* .and 1 more. has no label map in .*labels: add one")


def test_a_label_without_an_image(folder):
    (folder / "train" / "images" / "001.png").unlink()
    refused(folder, "labels.001.png has no image in .*images: add one")


def test_many_lone_images_are_named_in_part(tmp_path):
    write_folder(tmp_path, [(8, 8)] * 5)
    for path in (tmp_path / "train" / "labels").iterdir():
        path.unlink()
    refused(tmp_path, "images.000.png .and 4 more. has no label map")


def test_two_images_of_one_name(folder):
    (folder / "train" / "images" / "001.jpg").write_bytes(b"")
    refused(folder, "holds 001.jpg and 001.png: names must differ before the suffix")


def test_an_image_of_another_format(folder):
    (folder / "train" / "images" / "003.gif").write_bytes(b"")
    refused(folder, "003.gif cannot be read as an image: accepted is jpg, .*, webp, tif, tiff. Con")


def test_a_label_that_is_no_png(folder):
    (folder / "train" / "labels" / "001.png").rename(folder / "train" / "labels" / "001.jpg")
    refused(folder, "001.jpg cannot be read as a label map: accepted is png, tif, tiff. Con")


def test_the_pairs_say_how_their_labels_are_stored(folder):
    encoding = LabelEncoding(colours={(0, 0, 0): 0})
    assert {pair.encoding for pair in find_pairs(folder, "train", encoding)} == {encoding}


def test_the_fingerprint_is_of_names_and_contents_alone(folder, tmp_path):
    before = fingerprint(find_pairs(folder, "train"))
    shutil.copytree(folder, tmp_path / "copy")
    copied = find_pairs(tmp_path / "copy", "train")
    assert len(before) == 64
    assert fingerprint(copied) == fingerprint(copied[::-1]) == before


@pytest.mark.parametrize("kind", ["images", "labels"])
def test_the_fingerprint_changes_with_any_byte_or_name(folder, kind):
    before = fingerprint(find_pairs(folder, "train"))
    path = folder / "train" / kind / "001.png"
    path.write_bytes(path.read_bytes() + b"\0")
    after = fingerprint(find_pairs(folder, "train"))
    for each in ("images", "labels"):
        (folder / "train" / each / "002.png").rename(folder / "train" / each / "003.png")
    assert len({before, after, fingerprint(find_pairs(folder, "train"))}) == 3


def test_a_name_with_spaces(folder):
    for kind in ("images", "labels"):
        (folder / "train" / kind / "001.png").rename(folder / "train" / kind / "my best photo.png")
    assert [pair.name for pair in find_pairs(folder, "train")] == ["000", "002", "my best photo"]
