"""Buckets, with the local disk in their place: `pyarrow.fs` treats all its file systems alike."""

import time
from pathlib import PurePosixPath

import pytest
from pyarrow import fs

from kerasseg.errors import KerassegError
from kerasseg.evaluation.prediction.bucket import (
    Image,
    ResultsFolder,
    download,
    file_system,
    images_at,
)


@pytest.fixture
def folder(tmp_path):
    for name in ("b.JPG", "may/day 1/a.png", ".hidden/c.png", "notes.txt"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(b"pixels")
    return tmp_path / "photos"


@pytest.fixture
def results(tmp_path):
    return ResultsFolder((tmp_path / "out").as_uri())


@pytest.mark.parametrize("scheme", ["file", "fsspec+file"])
def test_the_images_of_a_folder_and_those_below(folder, tmp_path, scheme):
    uri = f"{scheme}://{folder}"
    found = images_at(uri)
    assert [str(image.name) for image in found] == ["b", "may/day 1/a"]
    assert [image.place for image in found] == [
        f"{scheme}://{folder}/b.JPG",
        f"{scheme}://{folder}/may/day 1/a.png",
    ]
    assert [image.changed for image in found] == pytest.approx(
        [(folder / name).stat().st_mtime_ns for name in ("b.JPG", "may/day 1/a.png")], abs=10_000
    )
    assert download(found[1], tmp_path).read_bytes() == b"pixels"


def test_a_file_that_is_missing_is_found_out_when_it_is_read(tmp_path):
    (image,) = images_at((tmp_path / "gone.png").as_uri())
    assert image == Image(f"{tmp_path}/gone.png", PurePosixPath("gone"), None, image.uri)
    with pytest.raises(KerassegError, match=r"file:///.*gone\.png cannot be read: "):
        download(image, tmp_path)


def test_what_cannot_be_read_is_said_in_a_line(tmp_path):
    with pytest.raises(KerassegError, match="holds no image: accepted are jpg, jpeg, png"):
        images_at(tmp_path.as_uri())
    for uri in ("ftp7://photos", "fsspec+none://photos", "file:///my photos"):
        with pytest.raises(KerassegError, match=r"cannot be opened: .* Give s3://bucket/folder"):
            images_at(uri)


def test_keys_and_regions_are_not_in_messages():
    image = Image("photos/a.png", PurePosixPath("a"), None, "s3://key:secret@photos/?region=eu")
    assert image.place == "s3://photos/a.png"


def test_a_result_is_there_as_a_whole_or_not_at_all(results, tmp_path, monkeypatch):
    (tmp_path / "mask.png").write_bytes(b"classes")
    results.put(tmp_path / "mask.png", "masks/may/a.png")
    assert (tmp_path / "out/masks/may/a.png").read_bytes() == b"classes"
    assert list(results.times()) == ["masks/may/a.png"]
    written = tmp_path / "out/masks/may/a.png"
    assert results.times()["masks/may/a.png"] == written.stat().st_mtime_ns

    class Full:
        type_name = "local"

        def __getattr__(self, name):
            return getattr(file_system("file:///")[0], name)

        def move(self, *_):
            raise OSError("no space left")

    results._system = Full()
    (tmp_path / "mask.png").write_bytes(b"others")
    with pytest.raises(KerassegError, match=r"a\.png cannot be written: no space left") as caught:
        results.put(tmp_path / "mask.png", "masks/may/a.png")
    assert isinstance(caught.value.__cause__, OSError)
    assert written.read_bytes() == b"classes"
    assert list(results.times()) == ["masks/may/a.png"]  # what is half written does not count
    assert len(list(written.parent.iterdir())) == 2
    results.remove_partial()
    assert list(written.parent.iterdir()) == [written]


def test_a_folder_is_that_of_one_description(results, tmp_path):
    results.claim({"weights": "last"}, overwrite=False)
    before = results.times()["prediction.json"]
    results.claim({"weights": "last"}, overwrite=False)
    assert results.times()["prediction.json"] == before
    with pytest.raises(KerassegError, match="predictions of another model or protocol"):
        results.claim({"weights": "best"}, overwrite=False)
    time.sleep(0.02)
    results.claim({"weights": "best"}, overwrite=True)
    assert results.times()["prediction.json"] > before


def test_what_is_no_folder_of_predictions_is_left_alone(results, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(KerassegError, match="is not empty and holds no predictions"):
        results.claim({}, overwrite=True)
    other = ResultsFolder((tmp_path / "out/thesis.txt").as_uri())
    with pytest.raises(KerassegError, match=r"thesis\.txt is a file; give a folder"):
        other.claim({}, overwrite=True)


def test_results_go_where_no_half_file_can_be_seen(monkeypatch):
    with pytest.raises(KerassegError, match=r"kind \(py::fsspec\+memory\) that may show half"):
        ResultsFolder("fsspec+memory:///out")
    assert ResultsFolder("gs://anonymous@bucket/out")._grows is False
    assert file_system("s3://bucket/out?region=eu-west-1")[0].type_name == "s3"
    assert isinstance(file_system("gs://anonymous@bucket/out")[0], fs.GcsFileSystem)
