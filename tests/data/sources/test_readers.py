"""What is peculiar to one data set."""

import json

import numpy as np
import pytest
from scipy.io import savemat

from kerasseg.data import check_pairs, describe, matlab, read_pair
from kerasseg.data.sources import cityscapes as cityscapes_source
from kerasseg.data.sources.person_part import CLASSES, PARTS, label_of
from kerasseg.data.sources.tree import root_of
from kerasseg.errors import KerassegError
from tests.data.trees import (
    coco_voc,
    nyudv2,
    oxford_iiit_pet,
    pascal_context,
    person_part,
    sun_rgbd,
    voc2012,
)


def refused(name, folder, message, split="train"):
    with pytest.raises(KerassegError, match=message) as caught:
        describe(name).find(split, folder)
    assert str(caught.value).count("\n") == 0


def damaged(name, folder, message, split="train"):
    """The split is found; its check names the file, or skips it where a hundredth is one."""
    labels, pairs = describe(name).labels, describe(name).find(split, folder)
    with pytest.raises(KerassegError, match=message):
        check_pairs(pairs, labels)
    whole = [pair for pair in pairs if not pair.problem]
    assert len(whole) == len(pairs) - 1
    assert check_pairs(pairs + whole * 99, labels, on_error="skip") == whole * 100


def test_trainaug_leaves_out_what_is_in_val(tmp_path):
    written = voc2012.write(tmp_path, count=3)
    names = {pair.name for pair in describe("voc2012").find("trainaug", tmp_path)}
    assert len(names) == 6
    assert names.isdisjoint(written["val"])


def test_what_sbd_labels_is_converted_and_the_rest_is_not(tmp_path, home):
    written = voc2012.write(tmp_path)
    pairs = describe("voc2012").find("trainaug", tmp_path)
    own = [pair for pair in pairs if pair.label.is_relative_to(tmp_path / "VOCdevkit")]
    assert {pair.name for pair in own} == set(written["train"])
    assert all(pair.label.is_relative_to(home) for pair in pairs if pair not in own)


def test_trainaug_without_sbd_says_where_it_is_expected(tmp_path):
    voc2012.write(tmp_path)
    (tmp_path / "benchmark_RELEASE").rename(tmp_path / "SDB")
    refused(
        "voc2012",
        tmp_path,
        "lacks the labels of SBD, .*: expected benchmark_RELEASE/dataset or .*SegmentationClassAug",
        "trainaug",
    )
    assert describe("voc2012").find("train", tmp_path)


@pytest.mark.slow
def test_a_damaged_label_of_sbd_is_named(tmp_path):
    written = voc2012.write(tmp_path)
    extra = next(iter(written["trainaug"].keys() - written["train"].keys()))
    path = tmp_path / "benchmark_RELEASE" / "dataset" / "cls" / f"{extra}.mat"
    savemat(path, {"GTinst": 3})
    refused(
        "voc2012", tmp_path, f"{extra}.mat holds no variable 'GTcls': it holds GTin", "trainaug"
    )
    path.write_bytes(b"0" * 200)
    damaged("voc2012", tmp_path, f"{extra}.mat cannot be read as a MATLAB file .*Rest", "trainaug")


def test_coco_without_an_object_of_voc_is_left_out(tmp_path):
    written = coco_voc.write(tmp_path, count=3)
    listed = json.loads((tmp_path / "annotations/instances_train2017.json").read_text())["images"]
    assert len(listed) == 5
    assert len(describe("coco_voc").find("train", tmp_path)) == len(written["train"]) == 3
    assert describe("coco_voc").labels == describe("voc2012").labels


def test_an_image_of_coco_that_is_left_out_need_not_be_there(tmp_path):
    coco_voc.write(tmp_path, count=3)
    (tmp_path / "train2017" / "000000000005.jpg").unlink()
    assert len(describe("coco_voc").find("train", tmp_path)) == 3
    (tmp_path / "train2017" / "000000000002.jpg").unlink()
    refused("coco_voc", tmp_path, r"names .*000000000002.jpg, which is not there \(1 of 3 are miss")


def test_annotations_of_other_objects_than_coco_s(tmp_path):
    coco_voc.write(tmp_path)
    path = tmp_path / "annotations" / "instances_train2017.json"
    path.write_text(path.read_text().replace('"couch"', '"sofa"'))
    refused(
        "coco_voc", tmp_path, r"instances_train2017.json has no category 'couch' \(1 of VOC's 20"
    )


def test_with_background_what_is_void_of_the_59_is_class_0(tmp_path):
    pascal_context.write(tmp_path)
    pairs = describe("pascal_context").find("val", tmp_path)
    others = describe("pascal_context60").find("val", tmp_path)
    for pair, other in zip(pairs, others, strict=True):
        ids = read_pair(pair)[1]
        assert np.array_equal(read_pair(other)[1], np.where(ids == 255, 0, ids + 1))
        assert pair.label == other.label


def test_all_names_of_the_59_are_found_in_the_list(tmp_path):
    """Exactly those: no door of a cabinet is a cabinet."""
    pascal_context.write(tmp_path, count=1)
    encoding = describe("pascal_context").find("val", tmp_path)[0].encoding
    numbers = {value: number for number, value in encoding.ids if value < 255}
    names = describe("pascal_context").labels.class_names
    found = {names[value]: pascal_context.NAMES[number - 1] for value, number in numbers.items()}
    differing = {name: other for name, other in found.items() if name != other}
    assert differing == {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}
    assert len(found) == 59


def test_a_list_of_names_that_lacks_a_class(tmp_path):
    pascal_context.write(tmp_path, count=1)
    path = tmp_path / "labels.txt"
    path.write_text(path.read_text().replace(": sky\n", ": heaven\n"))
    refused("pascal_context", tmp_path, "labels.txt lists no class 'sky' among its 459")


def test_the_24_parts_of_a_person_become_six_classes():
    assert sum(map(len, PARTS.values())) == 24
    assert tuple(PARTS) == CLASSES[1:]


def test_a_part_of_another_name_is_an_error(tmp_path):
    ids = np.ones((8, 8), np.uint8)
    person_part.save_annotation(ids, tmp_path / "one.mat", ("wing", *person_part.PARTS[1:]))
    with pytest.raises(KerassegError, match=r"one\.mat has a person with a part 'wing', which is"):
        label_of(tmp_path / "one.mat")


def test_person_part_without_labels_says_both_ways(tmp_path):
    person_part.write(tmp_path)
    (tmp_path / "pascal_person_part" / "pascal_person_part_gt").rename(tmp_path / "gt")
    refused(
        "person_part",
        tmp_path,
        r"does not hold the labels of PASCAL Person-Part \(pascal_person_part_gt beside "
        "pascal_person_part_trainval_list.: expected Annotations_Part",
    )


def test_the_34_numbers_of_cityscapes_are_19_classes_and_void():
    ids = dict(cityscapes_source.ENCODING.ids)
    assert sorted(ids) == list(range(34))
    assert sorted(value for value in ids.values() if value < 255) == list(range(19))


def test_nyu_without_the_way_to_the_40_classes(tmp_path):
    nyudv2.write(tmp_path)
    (tmp_path / "classMapping40.mat").unlink()
    refused("nyudv2", tmp_path, "lacks the way to the 40 classes: expected classMapping40.mat or l")


def test_nyu_with_splits_of_another_file(tmp_path):
    nyudv2.write(tmp_path)
    indices = np.array([[1], [99]])
    savemat(tmp_path / "splits.mat", {"trainNdxs": indices, "testNdxs": indices})
    refused("nyudv2", tmp_path, r"splits.mat names image 99 for train, and .* holds 1\.\.4: they")


def test_nyu_with_a_file_that_is_cut_short(tmp_path):
    nyudv2.write(tmp_path)
    path = tmp_path / "nyu_depth_v2_labeled.mat"
    path.write_bytes(path.read_bytes()[:2000])
    refused("nyudv2", tmp_path, "nyu_depth_v2_labeled.mat cannot be read .*cut short")
    path.write_bytes(b"MATLAB 5.0 MAT-file")
    refused("nyudv2", tmp_path, "nyu_depth_v2_labeled.mat is no MATLAB file of version 7.3")


@pytest.mark.slow
def test_a_damaged_label_of_pascal_context_and_of_person_part_is_named(tmp_path):
    pascal_context.write(tmp_path / "context")
    path = min((tmp_path / "context" / "trainval").iterdir())
    path.write_bytes(path.read_bytes()[:-30])
    damaged("pascal_context", tmp_path / "context", f"{path.name} cannot be read as a MATLAB file")
    person_part.write(tmp_path / "person", labels=".mat")
    path = min((tmp_path / "person" / "Annotations_Part").iterdir())
    path.write_bytes(path.read_bytes()[:150])
    damaged("person_part", tmp_path / "person", f"{path.name} cannot be read as a MATLAB file")


def test_nyu_reads_its_finished_labels_no_more_once_they_are_converted(tmp_path, monkeypatch):
    nyudv2.write(tmp_path, labels="labels40.mat")
    pairs, read = describe("nyudv2").find("train", tmp_path), []
    variable = matlab.variable
    monkeypatch.setattr(
        matlab, "variable", lambda path, name: read.append(name) or variable(path, name)
    )
    assert describe("nyudv2").find("train", tmp_path) == pairs
    assert read == ["trainNdxs"]


def test_nyu_with_a_map_to_other_classes(tmp_path):
    nyudv2.write(tmp_path)
    savemat(tmp_path / "classMapping40.mat", {"mapClass": nyudv2.mapping() + np.uint8(100)})
    refused("nyudv2", tmp_path, "classMapping40.mat maps to 140 classes; expected 40")


def test_a_damaged_gif_is_named(tmp_path):
    oxford_iiit_pet.write(tmp_path)
    (tmp_path / "images" / "Egyptian_Mau_1.jpg").write_bytes(b"GIF89a")
    damaged("oxford_iiit_pet", tmp_path, "Egyptian_Mau_1.jpg is a GIF that is corrupt", "test")


def test_sun_rgbd_with_files_that_do_not_belong_together(tmp_path):
    sun_rgbd.write(tmp_path)
    toolbox = tmp_path / "SUNRGBDtoolbox"
    paths = np.array([["/n/fs/SUNRGBD/a", "/n/fs/SUNRGBD/b"]], object)
    savemat(toolbox / "traintestSUNRGBD" / "allsplit.mat", {"alltrain": paths, "alltest": paths})
    refused("sun_rgbd", tmp_path, "allsplit.mat lists 2 scenes of the split, of which .* knows 0")
    paths = np.array([["/n/fs/elsewhere/a"]], object)
    savemat(toolbox / "traintestSUNRGBD" / "allsplit.mat", {"alltrain": paths, "alltest": paths})
    refused("sun_rgbd", tmp_path, "names /n/fs/elsewhere/a, which has no SUNRGBD/ in it")


def test_sun_rgbd_without_an_image(tmp_path):
    sun_rgbd.write(tmp_path)
    next((tmp_path / "SUNRGBD").rglob("0000003.jpg")).unlink()
    refused("sun_rgbd", tmp_path, r"names SUNRGBD/.*0000003.jpg, which is not in .*\(1 of 2 are m")


def test_long_directories_are_listed_in_part(tmp_path):
    for number in range(9):
        (tmp_path / f"file{number}").write_text("")
    with pytest.raises(KerassegError, match=r"expected a and b in it or x/; .*file5 and 3 more\.$"):
        root_of(tmp_path, "something", ("a", "b"), ("", "x"))
