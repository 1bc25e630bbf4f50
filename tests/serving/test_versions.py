import pytest

from kerasseg.errors import KerassegError
from kerasseg.serving.versions import latest_version, next_version


def test_versions_are_compared_as_numbers(tmp_path):
    for name in ("2", "10", "1", ".3.abc.partial", "v4"):
        (tmp_path / name).mkdir()
    assert next_version(tmp_path) == 11
    assert latest_version(tmp_path) == tmp_path / "10"


def test_the_first_version_is_1(tmp_path):
    assert next_version(tmp_path / "not" / "there") == 1


def test_a_version_is_its_own_latest(saved_model):
    assert latest_version(saved_model) == saved_model
    assert latest_version(saved_model.parent) == saved_model


def test_no_version_at_all_is_said(tmp_path):
    with pytest.raises(KerassegError, match=r"no SavedModel at .*export\.saved_model writes one"):
        latest_version(tmp_path)
    with pytest.raises(KerassegError, match="no SavedModel at"):
        latest_version(tmp_path / "missing")
