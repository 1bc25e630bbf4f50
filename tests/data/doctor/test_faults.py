"""Each fault, planted alone in a copy of CamVid, is found and named with its file."""

from pathlib import Path

import pytest

from kerasseg.data import check_pairs, describe, doctor, find_pairs
from kerasseg.data.doctor import KINDS, Severity
from kerasseg.errors import KerassegError
from tests.data.doctor.faults import FAULTS

LABELS = describe("camvid").labels
# What only the whole data set gives away; or what is not wrong with any file.
NOT_SEEN_BY_TRAINING = {
    "binary-mask",
    "one-too-high",
    "one-class-only",
    "duplicate-across-splits",
}


def diagnosed(folder):
    return doctor.diagnose(doctor.open_folder(folder, labels=LABELS))


def found(diagnosis):
    return {
        finding.kind: [place.path for place in finding.places] for finding in diagnosis.findings
    }


def test_a_copy_without_faults_gives_none(few_of_camvid):
    diagnosis = diagnosed(few_of_camvid)
    assert diagnosis.findings == ()
    assert diagnosis.is_healthy
    assert {name: split.pairs for name, split in diagnosis.splits.items()} == {
        "train": 12,
        "val": 6,
    }


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_and_named_with_its_file(copy, name):
    planted = FAULTS[name]
    path = planted.plant(copy)
    diagnosis = diagnosed(copy)
    places = found(diagnosis)
    assert set(places) == {planted.kind, *planted.also}
    assert path in places[planted.kind]
    severities = {KINDS[kind].severity for kind in places}
    assert diagnosis.is_healthy == (Severity.ERROR not in severities)


def test_every_kind_is_planted():
    by_others = {"unreadable-file", "value-gaps"}  # see test_folders.py
    assert {planted.kind for planted in FAULTS.values()} == set(KINDS) - by_others


@pytest.mark.parametrize(
    "name", [name for name, each in FAULTS.items() if each.kind not in NOT_SEEN_BY_TRAINING]
)
def test_the_doctor_and_the_check_before_training_agree(copy, name):
    planted = FAULTS[name]
    planted.plant(copy)
    refused = None
    try:
        pairs = [pair for split in ("train", "val") for pair in find_pairs(copy, split)]
        check_pairs(pairs, LABELS)
    except (KerassegError, UnicodeEncodeError) as error:
        refused = error
    assert (refused is not None) == (KINDS[planted.kind].severity == Severity.ERROR), refused


@pytest.mark.parametrize("name", sorted(NOT_SEEN_BY_TRAINING))
def test_what_the_check_does_not_see_is_an_error_all_the_same(name):
    assert KINDS[name].severity == Severity.ERROR


def test_camvid_has_no_fault(camvid: Path):
    diagnosis = doctor.diagnose(doctor.open_published("camvid", camvid))
    assert [finding for finding in diagnosis.findings if finding.severity != Severity.NOTE] == []
    assert {name: split.pairs for name, split in diagnosis.splits.items()} == {
        "train": 367,
        "val": 101,
    }
