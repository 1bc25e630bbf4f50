"""What the values of label maps give away, with class names and without."""

import numpy as np
import pytest
from PIL import Image

from kerasseg.label_set import LabelSet
from tests.data.doctor.looks import diagnosed, kinds, maps_of, places, rewrite
from tests.data.files import LABELS


def test_classes_are_inferred_from_the_values(folder):
    diagnosis = diagnosed(folder)
    assert diagnosis.findings == ()
    assert diagnosis.inferred
    assert (diagnosis.class_names, diagnosis.ignore_label) == (("0", "1", "2"), 255)


def test_a_void_label_that_is_given_is_not_inferred(folder):
    rewrite(maps_of(folder), lambda ids: np.where(ids == 255, 3, ids))
    diagnosis = diagnosed(folder, ignore_label=3)
    assert diagnosis.findings == ()
    assert len(diagnosis.class_names) == 3


@pytest.mark.parametrize("labels", [None, LabelSet(("ground", "box"))])
def test_masks_of_0_and_255(folder, labels):
    rewrite(maps_of(folder), lambda ids: np.where(ids == 1, 255, 0))
    diagnosis = diagnosed(folder, labels)
    assert kinds(diagnosis) == {"binary-mask"}
    assert "Write 1 in place of 255" in diagnosis.findings[0].advice
    assert places(diagnosis, "binary-mask") == [
        "/".join(path.parts[-3:]) for path in maps_of(folder)
    ]


def test_masks_of_0_and_255_in_one_split_alone(folder):
    rewrite(maps_of(folder, "train"), lambda ids: np.minimum(ids, 1))
    rewrite(maps_of(folder, "val"), lambda ids: np.where(ids == 1, 255, 0))
    diagnosis = diagnosed(folder, LabelSet(("ground", "box")))
    assert kinds(diagnosis) == {"binary-mask"}
    assert {path.split("/")[0] for path in places(diagnosis, "binary-mask")} == {"val"}


def test_a_map_of_ground_and_void_is_no_binary_mask_among_others(folder):
    rewrite(maps_of(folder)[:1], lambda ids: np.where(ids == 1, 255, 0))
    assert kinds(diagnosed(folder, LABELS)) == {"single-class"}


@pytest.mark.parametrize("labels", [None, LABELS])
def test_ids_that_begin_at_1(folder, labels):
    rewrite(maps_of(folder), lambda ids: np.where(ids == 255, 255, ids + 1))
    diagnosis = diagnosed(folder, labels)
    assert kinds(diagnosis) == {"one-too-high"}
    assert len(places(diagnosis, "one-too-high")) == 6
    assert "Subtract 1" in diagnosis.findings[0].advice


def test_grey_levels_without_class_names(folder):
    rewrite(maps_of(folder), lambda ids: np.where(ids == 255, 255, ids * 100))
    diagnosis = diagnosed(folder)
    assert kinds(diagnosis) == {"value-gaps"}
    assert diagnosis.findings[0].places[0].detail == "holds 0, 100, 200, 255"


def test_a_stray_value_without_class_names_is_named_with_its_file(folder):
    rewrite(maps_of(folder)[2:3], lambda ids: np.where(ids == 1, 77, ids))
    assert places(diagnosed(folder), "value-gaps") == ["train/labels/002.png"]


def test_a_value_that_never_occurs_is_a_warning_without_class_names(folder):
    rewrite(maps_of(folder), lambda ids: np.where(ids == 2, 3, ids))
    diagnosis = diagnosed(folder)
    assert kinds(diagnosis) == {"absent-class"}
    assert diagnosis.findings[0].places[0].detail == "2"
    assert diagnosis.is_healthy


def test_ids_of_more_than_8_bits_are_inferred(folder):
    for path in maps_of(folder):
        ids = np.asarray(Image.open(path)).astype(np.uint16)
        Image.fromarray(np.where(ids == 255, 65535, ids).astype(np.uint16)).save(path)
    diagnosis = diagnosed(folder)
    assert (diagnosis.class_names, diagnosis.ignore_label) == (("0", "1", "2"), 65535)
    assert kinds(diagnosis) == {"sixteen-bit-label"}


def test_wrong_values_are_counted_over_all_files(folder):
    rewrite(maps_of(folder)[1:3], lambda ids: np.where(np.arange(48) < 2, 9, ids))
    (finding,) = diagnosed(folder, LABELS).findings
    assert finding.summary == "9 (160 px); accepted are 0..2 and 255 for void"
    assert [place.detail for place in finding.places] == ["9 (80 px)", "9 (80 px)"]
