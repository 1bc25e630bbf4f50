import os
import stat
from pathlib import Path

import pytest

from kerasseg.errors import KerassegError
from kerasseg.files import atomic_directory, atomic_file


class StoppedError(Exception):
    pass


def _stop_while_writing(context, name: str = "") -> None:
    """Stops in the middle of a file, which in a directory has a name of its own."""
    with context as temporary:
        (temporary / name).write_text("half of")
        raise StoppedError


def test_file_is_there_when_the_block_has_ended(tmp_path):
    target = tmp_path / "made" / "on the way" / "notes.txt"
    with atomic_file(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
        assert temporary.parent == target.parent
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


def test_file_replaces_an_older_one(tmp_path):
    target = tmp_path / "notes.txt"
    target.write_text("old")
    with atomic_file(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


def test_after_an_error_the_file_is_as_it_was(tmp_path):
    target = tmp_path / "notes.txt"
    target.write_text("old")
    with pytest.raises(StoppedError):
        _stop_while_writing(atomic_file(target))
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "notes.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["model.keras", "last.weights.h5", "mask.png", "no_suffix"])
def test_temporary_name_keeps_the_suffix(tmp_path, name):
    with atomic_file(tmp_path / name) as temporary:
        temporary.touch()
        assert temporary.name.endswith(name[name.find(".") :] if "." in name else ".partial")
        assert temporary.name.startswith(".")


def test_directory_is_there_when_the_block_has_ended(tmp_path):
    target = tmp_path / "serving" / "1"
    with atomic_directory(target) as temporary:
        (temporary / "variables").mkdir()
        (temporary / "saved_model.pb").write_text("graph")
        assert not target.exists()
    assert (target / "saved_model.pb").read_text() == "graph"
    assert [entry.name for entry in target.parent.iterdir()] == ["1"]


def test_directory_can_be_read_by_others(tmp_path):
    with atomic_directory(tmp_path / "1"):
        pass
    assert stat.S_IMODE((tmp_path / "1").stat().st_mode) == 0o755


def test_after_an_error_no_directory_is_left(tmp_path):
    with pytest.raises(StoppedError):
        _stop_while_writing(atomic_directory(tmp_path / "1"), "saved_model.pb")
    assert list(tmp_path.iterdir()) == []


def test_directory_is_never_overwritten(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_text("first")
    with (
        pytest.raises(FileExistsError, match="exists already"),
        atomic_directory(tmp_path / "1") as temporary,
    ):
        (temporary / "saved_model.pb").write_text("second")
    assert (tmp_path / "1" / "saved_model.pb").read_text() == "first"
    assert [entry.name for entry in tmp_path.iterdir()] == ["1"]


def test_two_that_write_one_file_at_once_do_not_meet(tmp_path):
    """As processes of the same number on two machines do, which share a file system."""
    target = tmp_path / "notes.txt"
    with atomic_file(target) as one, atomic_file(target) as other:
        one.write_text("one")
        other.write_text("other")
    assert target.read_text() == "one"
    assert list(tmp_path.iterdir()) == [target]


def test_a_directory_that_appears_in_the_last_moment_stays(tmp_path, monkeypatch):
    def exists(path):
        monkeypatch.undo()
        path.mkdir()
        (path / "saved_model.pb").write_text("first")
        return False

    monkeypatch.setattr(Path, "exists", exists)
    with (
        pytest.raises(FileExistsError, match="exists already"),
        atomic_directory(tmp_path / "1") as temporary,
    ):
        (temporary / "saved_model.pb").write_text("second")
    assert (tmp_path / "1" / "saved_model.pb").read_text() == "first"
    assert [entry.name for entry in tmp_path.iterdir()] == ["1"]


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """What is asked of the operating system, with the file that an open descriptor stands for."""
    told, place = [], {}

    def record(name):
        original = getattr(os, name)

        def call(*arguments, **options):
            result = original(*arguments, **options)
            if name == "open":
                place[result] = Path(arguments[0])
            elif name == "fsync":
                told.append(("fsync", place[arguments[0]]))
            else:
                told.append(("rename", Path(arguments[1])))
            return result

        monkeypatch.setattr(os, name, call)

    for name in ("open", "fsync", "rename", "replace"):
        record(name)
    return told


def test_a_file_is_on_the_disk_before_it_has_its_name(calls, tmp_path):
    target = tmp_path / "notes.txt"
    with atomic_file(target) as temporary:
        temporary.write_text("whole")
    assert calls == [("fsync", temporary), ("rename", target), ("fsync", tmp_path)]


def test_a_directory_is_on_the_disk_with_all_its_files_before_it_has_its_name(calls, tmp_path):
    target = tmp_path / "1"
    with atomic_directory(target) as temporary:
        (temporary / "variables").mkdir()
        (temporary / "variables" / "data").write_text("weights")
        (temporary / "saved_model.pb").write_text("graph")
    before, after = calls[:-2], calls[-2:]
    parts = [temporary / name for name in ("saved_model.pb", "variables", "variables/data")]
    assert sorted(before[:-1]) == [("fsync", part) for part in parts]
    assert before[-1] == ("fsync", temporary)
    assert after == [("rename", target), ("fsync", tmp_path)]


LONG = "n" * 300


@pytest.mark.parametrize("context", [atomic_file, atomic_directory])
@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("photo.png/new", "File exists"),
        ("photo.png/sub/new", "Not a directory"),
        (f"{LONG}/new", "File name too long"),
        (LONG, "File name too long"),
    ],
)
def test_a_place_that_cannot_be_is_named(tmp_path, context, place, reason):
    (tmp_path / "photo.png").touch()
    with pytest.raises(KerassegError) as caught, context(tmp_path / place) as temporary:
        (temporary / "part" if temporary.is_dir() else temporary).touch()
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / place} cannot be written: {reason}. Give another direc")
    assert [entry.name for entry in tmp_path.iterdir()] == ["photo.png"]


def test_a_directory_that_cannot_be_made_is_named():
    with (
        pytest.raises(
            KerassegError, match=r"^/proc/none/notes.txt cannot be written: No such file"
        ),
        atomic_file("/proc/none/notes.txt"),
    ):
        pass


@pytest.mark.parametrize("name", ["n" * 250 + ".png", "é" * 100 + "." + "x" * 50, "a." + "b" * 250])
def test_a_name_may_be_as_long_as_the_file_system_takes_it(tmp_path, name):
    with atomic_file(tmp_path / name) as temporary:
        temporary.write_text("whole")
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_what_is_missing_beside_a_file_is_no_fault_of_its_place(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "copy.png"):
        (tmp_path / "gone.png").read_bytes()
