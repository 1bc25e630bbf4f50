"""Every reader on a miniature of the published tree."""

from functools import partial

import numpy as np
import pytest

from kerasseg.data import check_pairs, describe, fingerprint, load, names, read_pair
from kerasseg.errors import KerassegError
from tests.data.trees import (
    ade20k,
    camvid,
    cityscapes,
    coco_stuff,
    coco_voc,
    nyudv2,
    oxford_iiit_pet,
    pascal_context,
    person_part,
    sun_rgbd,
    voc2012,
)

TREES = {
    "ade20k": ade20k.write,
    "camvid": camvid.write,
    "camvid, as a folder": partial(camvid.write, layout="folder"),
    "cityscapes": cityscapes.write,
    "coco_stuff": coco_stuff.write,
    "coco_stuff, side by side": partial(coco_stuff.write, places=(".", "stuffthingmaps")),
    "coco_voc": coco_voc.write,
    "nyudv2": nyudv2.write,
    "nyudv2, labels40": partial(nyudv2.write, labels="labels40.mat"),
    "oxford_iiit_pet": oxford_iiit_pet.write,
    "pascal_context": pascal_context.write,
    "person_part": person_part.write,
    "person_part, masks": partial(person_part.write, labels=".mat"),
    "sun_rgbd": sun_rgbd.write,
    "voc2012": voc2012.write,
    "voc2012, SBD as PNG": partial(voc2012.write, sbd=".png"),
}
NAMES = [name for name in TREES if "," not in name]


def first_split(name):
    return describe(name).splits[0]


def refused(name, folder, message, split=None):
    with pytest.raises(KerassegError, match=message) as caught:
        describe(name).find(split or first_split(name), folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_data_set_has_a_miniature():
    assert {*NAMES, "pascal_context60", "shapes"} == set(names())


@pytest.mark.parametrize("tree", TREES)
def test_the_ids_are_those_that_were_written(tmp_path, tree):
    name, folder = tree.partition(",")[0], tmp_path / "a folder with spaces"
    written = TREES[tree](folder)
    assert set(written) == set(describe(name).splits)
    for split, expected in written.items():
        pairs = describe(name).find(split, folder)
        assert sorted(pair.name for pair in pairs) == sorted(expected)
        check_pairs(pairs, describe(name).labels)
        for pair in pairs:
            assert np.array_equal(read_pair(pair)[1], expected[pair.name])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_loaded_is_the_photo_of_the_label(tmp_path, name):
    """In the miniatures each class has its colour."""
    written = TREES[name](tmp_path)
    loaded = load(name, first_split(name), tmp_path)
    assert len(loaded) == len(written[first_split(name)])
    for image, label in loaded:
        for value in np.unique(label):
            assert image.numpy()[label == value].std(axis=0).max() < 25


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("ade20k", "ADEChallengeData2016"),
        ("voc2012", "VOCdevkit"),
        ("voc2012", "VOCdevkit/VOC2012"),
    ],
)
def test_the_directory_may_be_an_inner_one(tmp_path, name, inner):
    TREES[name](tmp_path)
    for split in describe(name).splits:
        pairs = describe(name).find(split, tmp_path)
        assert describe(name).find(split, tmp_path / inner) == pairs


@pytest.mark.parametrize("name", NAMES)
def test_the_fingerprint_is_of_the_contents_alone(tmp_path, name, monkeypatch):
    prints = set()
    for place in ("one", "other"):
        monkeypatch.setenv("KERASSEG_HOME", str(tmp_path / f"home {place}"))
        TREES[name](tmp_path / place)
        prints.add(fingerprint(describe(name).find(first_split(name), tmp_path / place)))
    assert len(prints) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_directory_of_another_data_set_names_what_was_expected_and_found(tmp_path, name):
    other, found = (
        (cityscapes, "gtFine/, leftImg8bit/")
        if name == "ade20k"
        else (ade20k, "ADEChallengeData2016/")
    )
    other.write(tmp_path, count=1)
    for split in describe(name).splits:
        said = refused(name, tmp_path, "does not hold .*: expected .* in .*; found ", split)
        assert said.endswith(f"; found {found}.")
        assert str(tmp_path) in said


@pytest.mark.parametrize("name", NAMES)
def test_a_directory_that_is_empty_or_missing(tmp_path, name):
    (tmp_path / "empty").mkdir()
    refused(name, tmp_path / "empty", r"does not hold .*; found nothing\.$")
    refused(name, tmp_path / "nowhere", r"no such data directory: .*nowhere\. Give the folder")


@pytest.mark.parametrize("name", names())
def test_a_split_that_it_does_not_have_gets_the_nearest(tmp_path, name):
    nearest = "trainval" if name == "oxford_iiit_pet" else "train"
    refused(name, tmp_path, f"unknown split of {name} 'tran': did you mean {nearest!r}", "tran")


LISTS = {
    "oxford_iiit_pet": "annotations/trainval.txt",
    "pascal_context": "VOCdevkit/VOC2010/ImageSets/Main/train.txt",
    "person_part": "pascal_person_part/pascal_person_part_trainval_list/train_id.txt",
    "voc2012": "VOCdevkit/VOC2012/ImageSets/Segmentation/train.txt",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_is_missing_or_empty_or_names_too_much(tmp_path, name):
    TREES[name](tmp_path)
    path = tmp_path / LISTS[name]
    path.write_text(path.read_text() + "nobody\nno-one 1 2 3\n")
    refused(name, tmp_path, r"names nobody, which is not in .* \(2 of 4 are missing\)\. Unpack")
    path.write_text("# a comment alone\n\n")
    refused(name, tmp_path, f"{path.name} is empty: it lists the images of the split")
    path.unlink()
    refused(name, tmp_path, f"{path.name} is missing: it lists the images of the split")


FOLDERS = {
    "ade20k": ("ADEChallengeData2016/images/training", "ADEChallengeData2016/annotations/training"),
    "camvid": ("train", "trainannot"),
    "cityscapes": ("leftImg8bit/train/aachen", "gtFine/train/aachen"),
    "coco_stuff": ("images/train2017", "annotations/train2017"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_file_without_a_partner_is_named(tmp_path, name):
    written = TREES[name](tmp_path)
    images, labels = (tmp_path / part for part in FOLDERS[name])
    lost = next(iter(written["train"])).removesuffix("_leftImg8bit")
    (label,) = (path for path in labels.iterdir() if path.name.startswith(lost) and _is_map(path))
    label.rename(tmp_path / "elsewhere.png")
    refused(name, tmp_path, f"{lost}.* has no label map in .*: add one of the same name")
    (tmp_path / "elsewhere.png").rename(label)
    (image,) = images.glob(f"{lost}*")
    image.unlink()
    refused(name, tmp_path, f"{lost}.* has no image in .*: add one of the same name")


def _is_map(path):
    return path.suffix == ".png" and not path.stem.endswith(("_color", "_instanceIds"))


@pytest.mark.parametrize("name", FOLDERS)
def test_an_empty_split(tmp_path, name):
    TREES[name](tmp_path, count=1)
    for folder in FOLDERS[name]:
        for path in (tmp_path / folder).iterdir():
            path.unlink()
    refused(name, tmp_path, "is empty. Unpack the archive of this data set again")


@pytest.mark.parametrize("name", FOLDERS)
def test_hidden_files_are_passed_over(tmp_path, name):
    written = TREES[name](tmp_path)
    for folder in FOLDERS[name]:
        for path in list((tmp_path / folder).iterdir()):
            (path.parent / f"._{path.name}").write_bytes(b"\x00\x05\x16\x07")
    assert len(describe(name).find("train", tmp_path)) == len(written["train"])
