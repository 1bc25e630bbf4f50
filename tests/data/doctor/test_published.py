"""Faults of the published trees: every one is found, where training stops at the first."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from kerasseg.data import check_pairs, describe, doctor, extras
from kerasseg.data.doctor import Severity
from kerasseg.data.extras import MissingPackageError
from kerasseg.errors import KerassegError
from tests.data.trees import (
    ade20k,
    nyudv2,
    oxford_iiit_pet,
    pascal_context,
    sun_rgbd,
    voc2012,
)

VOC = "VOCdevkit/VOC2012"


def errors(diagnosis):
    return {
        each.kind: [place.path for place in each.places]
        for each in diagnosis.findings
        if each.severity == Severity.ERROR
    }


def diagnosed(name, folder, splits=None):
    return doctor.diagnose(doctor.open_published(name, folder, splits))


def refused(name, folder, split):
    with pytest.raises(KerassegError):
        check_pairs(describe(name).find(split, folder), describe(name).labels)


def test_files_that_a_list_names_and_that_are_not_there(tmp_path):
    written = voc2012.write(tmp_path, count=4)
    first, second, third, *_ = written["train"]
    (tmp_path / VOC / f"JPEGImages/{first}.jpg").unlink()
    (tmp_path / VOC / f"JPEGImages/{second}.jpg").unlink()
    (tmp_path / VOC / f"SegmentationClass/{third}.png").unlink()
    diagnosis = diagnosed("voc2012", tmp_path)
    assert errors(diagnosis) == {
        "missing-file": [
            f"{VOC}/JPEGImages/{first}.jpg",
            f"{VOC}/JPEGImages/{second}.jpg",
            f"{VOC}/SegmentationClass/{third}.png",
        ]
    }
    assert diagnosis.findings[0].places[0].detail == "listed in train.txt"
    assert {name: split.pairs for name, split in diagnosis.splits.items()} == {"train": 1, "val": 4}
    refused("voc2012", tmp_path, "train")


def test_a_file_that_two_splits_list_is_named_once(tmp_path):
    written = voc2012.write(tmp_path)
    name = next(iter(written["train"]))
    (tmp_path / VOC / f"JPEGImages/{name}.jpg").unlink()
    diagnosis = diagnosed("voc2012", tmp_path, ["train", "trainaug"])
    assert errors(diagnosis)["missing-file"] == [f"{VOC}/JPEGImages/{name}.jpg"]


def test_a_matlab_file_that_is_damaged(tmp_path):
    written = voc2012.write(tmp_path, count=3)
    name = next(iter(written["trainaug"].keys() - written["train"].keys()))
    path = tmp_path / f"benchmark_RELEASE/dataset/cls/{name}.mat"
    path.write_bytes(path.read_bytes()[:150])
    diagnosis = diagnosed("voc2012", tmp_path, ["trainaug"])
    assert errors(diagnosis) == {
        "unconvertible-file": [f"benchmark_RELEASE/dataset/cls/{name}.mat"]
    }
    assert "cannot be read as a MATLAB file" in diagnosis.findings[0].places[0].detail
    assert diagnosis.splits["trainaug"].pairs == 5
    refused("voc2012", tmp_path, "trainaug")


def test_what_is_converted_is_named_by_its_source(tmp_path):
    written = pascal_context.write(tmp_path)
    name = next(iter(written["train"]))
    savemat(tmp_path / f"trainval/{name}.mat", {"LabelMap": np.full((48, 64), 4000, np.uint16)})
    diagnosis = diagnosed("pascal_context", tmp_path)
    assert errors(diagnosis) == {"values-outside": [f"trainval/{name}.mat"]}
    assert set(diagnosis.splits["train"].label_kinds) == {"MATLAB, grey of 16 bits"}


def test_a_part_of_a_file_is_named_as_one(tmp_path):
    nyudv2.write(tmp_path)
    diagnosis = diagnosed("nyudv2", tmp_path)
    assert diagnosis.is_healthy
    paths = [place.path for place in diagnosis.splits["train"].most_void]
    assert set(paths) <= {f"nyu_depth_v2_labeled.mat [000{number}]" for number in (1, 3)}
    assert paths


@pytest.mark.parametrize(("gone", "left"), [("images", "annotations"), ("annotations", "images")])
def test_files_without_a_partner(tmp_path, gone, left):
    ade20k.write(tmp_path, count=3)
    (path,) = list((tmp_path).rglob(f"{gone}/training/*"))[:1]
    path.unlink()
    diagnosis = diagnosed("ade20k", tmp_path)
    kind = "image-without-label" if left == "images" else "label-without-image"
    (alone,) = errors(diagnosis).pop(kind)
    assert f"{left}/training/{path.stem}" in alone
    assert diagnosis.splits["train"].pairs == 2
    refused("ade20k", tmp_path, "train")


@pytest.mark.parametrize(
    ("name", "tree", "split"),
    [("sun_rgbd", sun_rgbd, "train"), ("oxford_iiit_pet", oxford_iiit_pet, "trainval")],
)
def test_an_image_that_is_gone(tmp_path, name, tree, split):
    tree.write(tmp_path, count=3)
    path = describe(name).find(split, tmp_path)[1].image
    path.unlink()
    diagnosis = diagnosed(name, tmp_path)
    assert errors(diagnosis)["missing-file"] == [path.relative_to(tmp_path).as_posix()]
    refused(name, tmp_path, split)


def test_a_label_map_of_another_size_is_shown(tmp_path):
    ade20k.write(tmp_path)
    (path, *_) = sorted(tmp_path.rglob("annotations/training/*"))
    Image.new("L", (10, 10)).save(path)
    assert errors(diagnosed("ade20k", tmp_path)) == {
        "size-mismatch": [path.relative_to(tmp_path).as_posix()]
    }


def test_a_directory_of_another_data_set_is_an_error(tmp_path):
    ade20k.write(tmp_path)
    with pytest.raises(KerassegError, match="does not hold PASCAL VOC 2012: expected JPEGImages"):
        doctor.open_published("voc2012", tmp_path)


def test_a_package_that_is_missing_is_no_fault_of_the_files(tmp_path, monkeypatch):
    voc2012.write(tmp_path)

    def missing(module):
        raise ImportError(module)

    monkeypatch.setattr(extras.importlib, "import_module", missing)
    with pytest.raises(MissingPackageError, match="need the package scipy: pip install"):
        doctor.open_published("voc2012", tmp_path, ["trainaug"])
