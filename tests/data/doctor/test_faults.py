"""Each fault, planted alone in a copy of CamVid, is found and named with its file."""

import shutil
from pathlib import Path

import pytest

from kerasseg.data import check_pairs, describe, doctor, find_pairs
from kerasseg.data.doctor import KINDS, Severity
from kerasseg.errors import KerassegError
from tests.data.doctor import faults_of_data, faults_of_files, test_coco

FAULTS = faults_of_files.FAULTS | faults_of_data.FAULTS
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


@pytest.fixture(scope="module", params=FAULTS)
def case(request, few_of_camvid, tmp_path_factory):
    """A copy with one fault in it, the fault, and the path that must be named."""
    copy = Path(shutil.copytree(few_of_camvid, tmp_path_factory.mktemp("copy") / "camvid"))
    planted = FAULTS[request.param]
    return copy, planted, planted.plant(copy)


def test_a_planted_fault_is_found_and_named_with_its_file(case):
    copy, planted, path = case
    diagnosis = diagnosed(copy)
    places = found(diagnosis)
    assert set(places) == {planted.kind, *planted.also}
    assert path in places[planted.kind]
    severities = {KINDS[kind].severity for kind in places}
    assert diagnosis.is_healthy == (Severity.ERROR not in severities)


def test_the_doctor_and_the_check_before_training_agree(case):
    copy, planted, path = case
    if planted.kind in NOT_SEEN_BY_TRAINING:
        assert KINDS[planted.kind].severity == Severity.ERROR
        return
    refused = None
    try:
        pairs = [pair for split in ("train", "val") for pair in find_pairs(copy, split)]
        named = [pair for pair in pairs if pair.name == Path(path).stem]
        check_pairs(named or pairs[:2], LABELS)
    except (KerassegError, UnicodeEncodeError) as error:
        refused = error
    assert (refused is not None) == (KINDS[planted.kind].severity == Severity.ERROR), refused


def test_every_kind_is_planted():
    by_others = {
        "unreadable-file",  # see test_folders.py
        "value-gaps",  # test_label_values.py
        "unconvertible-file",  # test_published.py
    }
    planted = [*FAULTS.values(), *test_coco.FAULTS.values()]
    assert {each.kind for each in planted} == set(KINDS) - by_others


def test_camvid_has_no_fault(camvid: Path):
    diagnosis = doctor.diagnose(doctor.open_published("camvid", camvid))
    assert [finding for finding in diagnosis.findings if finding.severity != Severity.NOTE] == []
    assert {name: split.pairs for name, split in diagnosis.splits.items()} == {
        "train": 367,
        "val": 101,
    }
