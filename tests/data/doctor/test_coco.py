"""Faults of annotations in COCO's format, planted one at a time."""

import json

import numpy as np
import pytest
from PIL import Image

from kerasseg.data import CocoJson, check_pairs, doctor
from kerasseg.data.doctor import KINDS, Severity
from kerasseg.errors import KerassegError
from tests.data.doctor.planting import Faults, into

FAULTS: Faults = {}
fault = into(FAULTS)
JSON = "train/_annotations.coco.json"
SIZE = (40, 48)
HALVES = {1: [[0, 0, 24, 0, 24, 40, 0, 40]], 2: [[30, 0, 48, 0, 48, 40, 30, 40]]}


@pytest.fixture
def leaves(tmp_path):
    """Three images of train and two of val, each with a leaf and a stem."""
    generator = np.random.default_rng(1)
    for split, count in (("train", 3), ("val", 2)):
        (tmp_path / "leaves" / split).mkdir(parents=True)
        names = [f"{split}{number}.png" for number in range(count)]
        for name in names:
            pixels = generator.integers(0, 256, (*SIZE, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "leaves" / split / name)
        (tmp_path / "leaves" / split / "_annotations.coco.json").write_text(
            json.dumps(described(names))
        )
    return tmp_path / "leaves"


def described(names):
    shapes = [(image, kind) for image in range(len(names)) for kind in HALVES]
    return {
        "images": [
            {"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1]}
            for number, name in enumerate(names)
        ],
        "categories": [{"id": 1, "name": "leaf"}, {"id": 2, "name": "stem"}],
        "annotations": [
            {"id": number, "image_id": image, "category_id": kind, "segmentation": HALVES[kind]}
            for number, (image, kind) in enumerate(shapes)
        ],
    }


def change(folder, key, number, path=JSON, **values):
    contents = json.loads((folder / path).read_text())
    contents[key][number] |= values
    (folder / path).write_text(json.dumps(contents))
    return path


def as_tiff(folder, pixels=None):
    """Has train1.png be a TIFF, of these pixels or of its own."""
    old = folder / "train/train1.png"
    picture = Image.open(old) if pixels is None else Image.fromarray(pixels)
    picture.save(old.with_suffix(".tif"))
    old.unlink()
    change(folder, "images", 1, file_name="train1.tif")
    return old.with_suffix(".tif")


@fault("missing-file")
def image_removed(folder):
    (folder / "train/train1.png").unlink()
    return "train/train1.png"


@fault("unlisted-image")
def image_that_is_not_listed(folder):
    Image.new("RGB", SIZE[::-1]).save(folder / "train/new.jpg")
    return "train/new.jpg"


@fault("bad-annotation")
def unknown_category(folder):
    contents = json.loads((folder / JSON).read_text())
    contents["annotations"].append(contents["annotations"][0] | {"id": 99, "category_id": 7})
    (folder / JSON).write_text(json.dumps(contents))
    return JSON


@fault("bad-annotation")
def polygon_of_two_corners(folder):
    return change(folder, "annotations", 2, segmentation=[[1, 2, 3, 4]]) and JSON


@fault("bad-annotation")
def annotation_of_no_image(folder):
    contents = json.loads((folder / JSON).read_text())
    contents["annotations"].append(contents["annotations"][0] | {"id": 99, "image_id": 77})
    (folder / JSON).write_text(json.dumps(contents))
    return JSON


@fault("other-categories")
def other_categories_in_val(folder):
    # The classes are those of the smallest file.
    path = "val/_annotations.coco.json"
    change(folder, "categories", 1, path, name="root")
    return JSON


@fault("size-mismatch")
def wrong_height_in_the_json(folder):
    change(folder, "images", 1, height=44)
    return f"{JSON} [train1.png]"


@fault("corrupt-image")
def image_cut_in_half(folder):
    path = folder / "train/train1.png"
    path.write_bytes(path.read_bytes()[:900])
    return "train/train1.png"


@fault("corrupt-image")
def tiff_cut_in_half(folder):
    path = as_tiff(folder)
    path.write_bytes(path.read_bytes()[:900])
    return "train/train1.tif"


@fault("image-format")
def tiff_of_floats(folder):
    as_tiff(folder, np.zeros(SIZE, np.float32))
    return "train/train1.tif"


@fault("empty-split")
def no_images_in_the_json(folder):
    contents = json.loads((folder / JSON).read_text())
    (folder / JSON).write_text(json.dumps(contents | {"images": [], "annotations": []}))
    return JSON


def diagnosed(folder):
    return doctor.diagnose(doctor.open_published("coco_json", folder))


def found(diagnosis):
    return {each.kind: [place.path for place in each.places] for each in diagnosis.findings}


def refused(folder):
    """Returns why training would not begin."""
    source = CocoJson(folder)
    try:
        for split in source.splits:
            check_pairs(source.find(split), source.labels)
    except KerassegError as error:
        return str(error)
    return None


def test_a_copy_without_faults_gives_none(leaves):
    diagnosis = diagnosed(leaves)
    assert diagnosis.findings == ()
    assert diagnosis.class_names == ("background", "leaf", "stem")
    assert {name: split.pairs for name, split in diagnosis.splits.items()} == {"train": 3, "val": 2}
    assert diagnosis.splits["train"].label_kinds == {"annotations": 3}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_and_named_as_training_would_refuse_it(leaves, name):
    planted = FAULTS[name]
    path = planted.plant(leaves)
    places = found(diagnosed(leaves))
    assert set(places) == {planted.kind, *planted.also}
    assert places[planted.kind] == [path]
    is_error = KINDS[planted.kind].severity == Severity.ERROR
    assert (refused(leaves) is not None) == is_error


def test_all_faults_are_in_one_report(leaves):
    image_removed(leaves)
    image_that_is_not_listed(leaves)
    unknown_category(leaves)
    change(leaves, "images", 0, height=44)
    diagnosis = diagnosed(leaves)
    assert set(found(diagnosis)) == {
        "missing-file",
        "unlisted-image",
        "bad-annotation",
        "size-mismatch",
    }
    assert diagnosis.splits["train"].pairs == 2
    details = {each.kind: each.places[0].detail for each in diagnosis.findings}
    assert details == {
        "missing-file": "listed in _annotations.coco.json",
        "unlisted-image": "not in _annotations.coco.json",
        "bad-annotation": "annotation 99 of image 0 (train0.png) is of the unknown category 7",
        "size-mismatch": "48x44, and train0.png is 48x40",
    }


def test_a_tiff_is_shown_as_one(leaves):
    as_tiff(leaves)
    diagnosis = diagnosed(leaves)
    assert diagnosis.findings == ()
    assert diagnosis.splits["train"].image_kinds == {"PNG, RGB": 2, "TIFF, RGB": 1}


def test_images_in_folders_are_named_with_them(leaves):
    (leaves / "train/deep").mkdir()
    (leaves / "train/train1.png").rename(leaves / "train/deep/one.png")
    change(leaves, "images", 1, file_name="deep/one.png", width=50)
    assert found(diagnosed(leaves)) == {"size-mismatch": [f"{JSON} [deep/one.png]"]}


def test_a_wrong_size_is_in_the_pictures_of_the_report(leaves, tmp_path):
    wrong_height_in_the_json(leaves)
    case = doctor.open_published("coco_json", leaves)
    doctor.write_report(tmp_path / "report", doctor.diagnose(case), case)
    assert [path.name for path in (tmp_path / "report/pictures").glob("*size-mismatch*")] == [
        "00-size-mismatch.jpg"
    ]


def test_label_maps_that_cannot_be_written_are_an_error_of_their_own(leaves, tmp_path):
    (tmp_path / "home").write_text("a file in its place")
    with pytest.raises(KerassegError, match=r"cannot be written.*KERASSEG_HOME chooses another"):
        doctor.open_published("coco_json", leaves)


def test_a_json_file_that_cannot_be_read_is_an_error(leaves):
    (leaves / JSON).write_text("{")
    with pytest.raises(KerassegError, match=r"_annotations.coco.json is no JSON file"):
        doctor.open_published("coco_json", leaves)
