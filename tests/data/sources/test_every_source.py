"""Every reader on a miniature of the published tree."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.io import savemat

from kerasseg.data import (
    check_pairs,
    describe,
    fingerprint,
    load,
    locate,
    names,
    read_pair,
    shapes,
)
from kerasseg.errors import KerassegError
from tests.data.files import write_folder
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


def write_context60(folder, **more):
    written = pascal_context.write(folder, **more)
    return {
        split: {name: np.where(ids == 255, 0, ids + 1) for name, ids in maps.items()}
        for split, maps in written.items()
    }


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
    "pascal_context60": write_context60,
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
    assert {*NAMES, "shapes"} == set(names())


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


def test_a_folder_of_something_else_is_no_camvid(tmp_path):
    write_folder(tmp_path, [(24, 32)] * 8)
    refused(
        "camvid",
        tmp_path,
        r"does not hold CamVid: expected images of its sequences 0001TP, .*, Seq05VD; found "
        r"000\.png, .*, 005\.png and 2 more\.$",
    )


def test_another_data_set_is_not_taken_for_shapes(tmp_path):
    write_folder(tmp_path, [(24, 32)])
    with pytest.raises(KerassegError, match=r"does not hold the shapes .*: expected dataset.json"):
        locate("shapes", tmp_path)
    with pytest.raises(KerassegError, match=r"; found train/\. Give the directory of that, or one"):
        locate("shapes", tmp_path)


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
LISTS["pascal_context60"] = LISTS["pascal_context"]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_is_missing_or_empty_or_names_too_much(tmp_path, name):
    TREES[name](tmp_path)
    path = tmp_path / LISTS[name]
    path.write_text(path.read_text() + "nobody\nno-one\n")
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


def without_files(name, folder):
    for part in FOLDERS.get(name, ("train/images", "train/labels")):
        for path in (folder / part).iterdir():
            path.unlink()


def write_shapes(folder, count):
    shapes.write(folder, train=count, val=count)


def without_a_list(name, folder):
    (folder / LISTS[name]).write_text("")


def without_sbd(_, folder):
    for path in (folder / "benchmark_RELEASE" / "dataset" / "cls").iterdir():
        path.unlink()


def without_scenes(_, folder):
    nobody = np.zeros((0, 0), object)
    path = folder / "SUNRGBDtoolbox" / "traintestSUNRGBD" / "allsplit.mat"
    savemat(path, {"alltrain": nobody, "alltest": nobody})


def without_numbers(_, folder):
    nobody = np.zeros((0, 1), np.uint16)
    savemat(folder / "splits.mat", {"trainNdxs": nobody, "testNdxs": nobody})


def without_objects(_, folder):
    path = folder / "annotations" / "instances_train2017.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"annotations": []}))


EMPTY = {
    **dict.fromkeys(
        FOLDERS, (without_files, "is empty. Unpack the archive of this data set again")
    ),
    **dict.fromkeys(LISTS, (without_a_list, "is empty: it lists the images of the split")),
    "voc2012, trainaug": (without_sbd, r"cls holds no \*.mat beyond the images of VOC's own train"),
    "sun_rgbd": (without_scenes, "'train' of SUN RGB-D.* is empty in .*: 5285 images were publ"),
    "nyudv2": (without_numbers, "'train' of NYU Depth V2.* is empty in .*: 795 images were publ"),
    "coco_voc": (without_objects, "no object of VOC's classes in any of its 3 images"),
    "shapes": (without_files, "is empty: put images into images/"),
}


def test_every_data_set_is_emptied_once():
    assert {case.partition(",")[0] for case in EMPTY} == set(names())


@pytest.mark.parametrize("case", EMPTY)
def test_an_empty_split(tmp_path, case):
    name, _, split = case.partition(", ")
    folder = tmp_path / "data"
    TREES.get(name, write_shapes)(folder, count=1)
    empty, message = EMPTY[case]
    empty(name, folder)
    refused(name, folder, message, split)


@pytest.mark.parametrize("name", ["camvid", "sun_rgbd"])
def test_fewer_images_than_were_published_are_said(tmp_path, name, capsys, monkeypatch):
    TREES[name](tmp_path)
    data_set = describe(name)
    data_set.find("train", tmp_path)
    assert (
        f"{tmp_path} holds 2 of the {data_set.images['train']} images that {data_set.title} "
        in (capsys.readouterr().err)
    )
    whole = replace(data_set, images={"train": 2, "test": 2})
    assert len(whole.find("train", tmp_path)) == 2
    assert "images that" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["voc2012", "pascal_context", "person_part"])
def test_a_list_may_name_files_with_spaces(tmp_path, name):
    written = TREES[name](tmp_path)
    old, source = next(iter(written["train"])), tmp_path / LISTS[name]
    for path in [path for path in tmp_path.rglob(f"{old}.*") if path.is_file()]:
        path.rename(path.with_stem("a photo of 2008"))
    source.write_text(source.read_text().replace(old, "a photo of 2008"))
    assert describe(name).find("train", tmp_path)[0].name == "a photo of 2008"


def test_a_city_and_a_file_in_it_may_have_spaces(tmp_path):
    written = cityscapes.write(tmp_path)
    for path in list(tmp_path.rglob("aachen")):
        path.rename(path.with_name("bad aachen"))
    for path in list(tmp_path.rglob("zurich_*")):
        path.rename(path.with_name(path.name.replace("zurich_", "zurich by night_")))
    pairs = describe("cityscapes").find("train", tmp_path)
    assert len(pairs) == len(written["train"])
    assert {pair.image.parent.name for pair in pairs} == {"bad aachen", "zurich"}
    check_pairs(pairs, describe("cityscapes").labels)


def test_a_scene_may_have_spaces(tmp_path):
    written = sun_rgbd.write(tmp_path, tree="SUNRGBD/kv2/my kinect")
    pairs = describe("sun_rgbd").find("train", tmp_path)
    assert all("my kinect" in str(pair.image) for pair in pairs)
    for pair in pairs:
        assert np.array_equal(read_pair(pair)[1], written["train"][pair.name])


@pytest.mark.parametrize("name", FOLDERS)
def test_hidden_files_are_passed_over(tmp_path, name):
    written = TREES[name](tmp_path)
    for folder in FOLDERS[name]:
        for path in list((tmp_path / folder).iterdir()):
            (path.parent / f"._{path.name}").write_bytes(b"\x00\x05\x16\x07")
    assert len(describe(name).find("train", tmp_path)) == len(written["train"])
