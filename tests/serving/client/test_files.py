"""Many files: what is written, and what one that fails leaves undone."""

import os
import threading

import pytest

from kerasseg.errors import KerassegError
from kerasseg.serving.client import ServingError, segment_files


class Client:
    """Answers with the file's own bytes, and refuses those that say so."""

    address = "http://host/v1/models/tiny"

    def __init__(self):
        self.asked = []
        self.under_way = self.most = 0
        self.lock = threading.Lock()
        self.full = threading.Event()

    def segment(self, image):
        with self.lock:
            self.asked.append(image)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            if self.under_way == 3:
                self.full.set()
        self.full.wait(0.2)
        with self.lock:
            self.under_way -= 1
        if image == b"bad":
            raise ServingError("cannot be decoded")
        return type("Answer", (), {"mask_bytes": b"mask of " + image})

    def overlay(self, image):
        return b"overlay of " + image


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos/may").mkdir(parents=True)
    for name, contents in {"a.jpg": b"a", "b.png": b"bad", "may/c.jpg": b"c"}.items():
        (tmp_path / "photos" / name).write_bytes(contents)
    return tmp_path / "photos"


def written(out):
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*.*")
        if path.is_file() and path.name != "prediction.json"
    }


def test_one_bad_image_does_not_take_the_others(folder, tmp_path):
    outcome = segment_files(Client(), [str(folder)], tmp_path / "out", overlays=True)
    assert (outcome.written, outcome.skipped) == (2, 0)
    assert outcome.failed == [f"{folder / 'b.png'}: cannot be decoded"]
    assert written(tmp_path / "out") == {
        "masks/a.png": b"mask of a",
        "masks/may/c.png": b"mask of c",
        "overlays/a.jpg": b"overlay of a",
        "overlays/may/c.jpg": b"overlay of c",
    }


def test_a_file_that_is_missing_is_one_failure(folder, tmp_path):
    missing = str(folder / "gone.jpg")
    outcome = segment_files(Client(), [missing, str(folder / "a.jpg")], tmp_path / "out")
    assert (outcome.written, outcome.failed) == (1, [f"{missing}: No such file or directory"])


def test_masks_below_the_input_are_not_sent(folder):
    for _ in range(2):
        outcome = segment_files(Client(), [str(folder)], folder / "out")
    assert (outcome.written, outcome.skipped, len(outcome.failed)) == (0, 2, 1)


def test_started_again_it_goes_on(folder, tmp_path):
    segment_files(Client(), [str(folder)], tmp_path / "out")
    (folder / "b.png").write_bytes(b"b")
    later = (tmp_path / "out/masks/a.png").stat().st_mtime + 5
    (folder / "a.jpg").write_bytes(b"new")
    os.utime(folder / "a.jpg", (later, later))
    client = Client()
    outcome = segment_files(client, [str(folder)], tmp_path / "out")
    assert (outcome.written, outcome.skipped, sorted(client.asked)) == (2, 1, [b"b", b"new"])
    assert segment_files(Client(), [str(folder)], tmp_path / "out", overwrite=True).written == 3


def test_as_many_requests_are_under_way_as_are_wanted(folder, tmp_path):
    for number in range(9):
        (folder / f"{number}.jpg").write_bytes(b"more")
    client = Client()
    segment_files(client, [str(folder)], tmp_path / "out", concurrency=3)
    assert client.most == 3


def test_what_stops_the_program_leaves_no_part_of_a_file(folder, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    client = Client()
    monkeypatch.setattr("kerasseg.files._flush", interrupted)
    with pytest.raises(KeyboardInterrupt):
        segment_files(client, [str(folder / "a.jpg")], tmp_path / "never")
    monkeypatch.undo()
    monkeypatch.setattr(client, "segment", interrupted)
    with pytest.raises(KeyboardInterrupt):
        segment_files(client, [str(folder)], tmp_path / "out", concurrency=1)
    assert written(tmp_path / "out") == {}


def test_bad_arguments_say_what_to_do(folder, tmp_path):
    def refused(paths, out=tmp_path / "out", **options):
        with pytest.raises(KerassegError) as error:
            segment_files(Client(), list(map(str, paths)), out, **options)
        return str(error.value)

    assert "concurrency is a whole number of at least 1" in refused([folder], concurrency=0)
    (folder / "film.mp4").touch()
    assert "film.mp4 is a video" in refused([folder])
    assert "is not empty and holds no predictions" in refused([folder / "a.jpg"], folder / "may")
    segment_files(Client(), [str(folder / "a.jpg")], tmp_path / "out")
    other = Client()
    other.address = "http://elsewhere/v1/models/tiny"
    with pytest.raises(KerassegError, match="say --overwrite"):
        segment_files(other, [str(folder / "a.jpg")], tmp_path / "out")
