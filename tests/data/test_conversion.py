import os
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from kerasseg.data import conversion
from kerasseg.data.conversion import Conversion, convert, remembered
from kerasseg.data.extras import imported
from kerasseg.data.pair import Problem
from kerasseg.errors import KerassegError, UnreadableError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASSEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.dat"
    path.write_bytes(b"contents")
    return path


def converted(jobs, **options):
    """Returns the paths of what is converted without a problem."""
    found = convert("kind", jobs, **options)
    assert [each.problem for each in found] == [None] * len(jobs)
    return [each.path for each in found]


def counted(source, value=7):
    """A conversion, and the list of the calls of its reader."""
    calls = []

    def read():
        calls.append(value)
        return np.full((4, 6), value, np.uint8)

    return Conversion(source, "one", read), calls


@pytest.mark.parametrize(
    ("shape", "dtype"), [((4, 6), np.uint8), ((4, 6), np.uint16), ((4, 6, 3), np.uint8)]
)
def test_the_png_holds_the_pixels(source, shape, dtype):
    pixels = (np.arange(np.prod(shape)).reshape(shape) * (1 + np.iinfo(dtype).max // 256)).astype(
        dtype
    )
    (path,) = converted([Conversion(source, "one", lambda: pixels)])
    assert path.name == "one.png"
    assert np.array_equal(np.asarray(Image.open(path)), pixels)


def test_it_lies_below_the_home_and_is_made_once(source, home):
    job, calls = counted(source)
    (path,) = converted([job])
    assert path.parents[1] == home / "converted" / "kind"
    assert converted([job]) == [path]
    assert len(calls) == 1


def test_several_that_convert_at_once(source, home):
    jobs = [
        Conversion(source, str(n), lambda n=n: np.full((40, 60), n, np.uint8)) for n in range(20)
    ]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: convert("kind", jobs), range(4)))
    assert all(paths == found[0] for paths in found)
    assert [int(np.asarray(Image.open(each.path))[0, 0]) for each in found[0]] == list(range(20))
    assert not list(home.rglob("*partial*"))


@pytest.mark.parametrize("change", ["contents", "time", "path", "variant"])
def test_a_changed_source_is_converted_anew(source, change):
    job, _ = counted(source)
    (before,) = converted([job])
    if change == "contents":
        source.write_bytes(b"other contents")
    elif change == "time":
        os.utime(source, (1, 1))
    elif change == "path":
        source = source.rename(source.with_name("moved.dat"))
    job, calls = counted(source, 8)
    variant = "another" if change == "variant" else ""
    (after,) = converted([Conversion(source, "one", job.read, variant)])
    assert calls == [8]
    assert after != before
    assert after.name == before.name


def test_interrupted_it_goes_on_where_it_ended(source, home):
    def read(number):
        if number == 30 and not resumed:
            raise KerassegError("source 30 is damaged")
        calls.append(number)
        return np.zeros((2, 2), np.uint8)

    jobs = [Conversion(source, str(n), lambda n=n: read(n)) for n in range(60)]
    calls, resumed = [], False
    with pytest.raises(KerassegError, match="source 30 is damaged"):
        converted(jobs)
    assert not list(home.rglob("*partial*"))
    before, calls, resumed = calls, [], True
    paths = converted(jobs)
    assert sorted(before + calls) == list(range(60))
    assert all(path.is_file() for path in paths)


def test_what_cannot_be_read_has_a_problem_and_the_others_are_converted(source, home):
    def read(number):
        if number in (1, 30):
            raise UnreadableError(f"source {number} is damaged")
        return np.zeros((2, 2), np.uint8)

    jobs = [Conversion(source, str(n), lambda n=n: read(n)) for n in range(40)]
    found = convert("kind", jobs)
    assert {n for n, each in enumerate(found) if each.problem} == {1, 30}
    assert found[30].problem == Problem("source 30 is damaged", unreadable=True)
    assert len(list(home.rglob("*.png"))) == 38
    assert convert("kind", jobs) == found
    assert [each.problem for each in convert("kind", jobs[1:2])] == [found[1].problem]


def test_a_new_layout_converts_anew(source, monkeypatch):
    (before,) = converted([counted(source)[0]])
    monkeypatch.setattr(conversion, "_LAYOUT", 1000)
    job, calls = counted(source)
    assert converted([job]) != [before]
    assert calls == [7]


def test_two_of_one_name_are_one_file(source):
    job, calls = counted(source)
    first, second = converted([job, job])
    assert first == second
    assert len(calls) == 1


def test_the_room_that_it_takes_is_said_once(source, capsys):
    jobs = [Conversion(source, str(n), lambda: np.zeros((4, 4), np.uint8)) for n in range(20)]
    converted(jobs, progress=False)
    said = capsys.readouterr().err
    assert said.startswith("converting 20 files to PNG in ")
    assert said.endswith("kind: about 0.0 MB\n")
    converted(jobs)
    assert capsys.readouterr() == ("", "")


def test_the_progress_bar_can_be_forced(source, capsys):
    jobs = [Conversion(source, str(n), lambda: np.zeros((4, 4), np.uint8)) for n in range(20)]
    converted(jobs, progress=True)
    assert "converting: " in capsys.readouterr().err


def test_a_disk_that_is_too_small_is_named_early(source, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(conversion.shutil, "disk_usage", lambda _: usage(100))
    jobs = [Conversion(source, str(n), lambda: np.zeros((4, 4), np.uint8)) for n in range(20)]
    with pytest.raises(KerassegError, match=r"would take .* set the environment variable KERASSEG"):
        converted(jobs)


def test_a_home_that_cannot_be_written_is_named(source, home):
    home.write_text("a file in its place")
    with pytest.raises(KerassegError, match=r"one.png cannot be written.*KERASSEG_HOME chooses an"):
        converted([counted(source)[0]])


def test_a_source_that_is_gone(tmp_path):
    with pytest.raises(KerassegError, match=r"lost.dat is missing. Restore it"):
        converted([counted(tmp_path / "lost.dat")[0]])


def test_nothing_to_convert_is_nothing(home, capsys):
    assert converted([]) == []
    assert not home.exists()
    assert capsys.readouterr().err == ""


def test_what_is_slow_to_read_is_remembered_until_it_changes(source):
    calls = []

    def compute():
        calls.append(1)
        return ["a", len(calls)]

    assert remembered("kind", source, compute) == remembered("kind", source, compute) == ["a", 1]
    os.utime(source, (1, 1))
    assert remembered("kind", source, compute) == ["a", 2]


def test_a_missing_package_is_named_with_the_way_to_get_it():
    with pytest.raises(KerassegError, match=r'files need the package nopkg: pip install "kerasseg'):
        imported("nopkg.io", "Some files")
