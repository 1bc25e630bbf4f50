"""Results that lie among the images, on disk and in a bucket."""

from pathlib import Path

import pytest
from PIL import Image

from kerasseg.errors import KerassegError
from kerasseg.evaluation.prediction.inputs import find_inputs
from kerasseg.evaluation.prediction.ray_prediction import find_images

FILES = ("a.png", "predicted/masks/a.png", "predicted2/b.png")
SAID = "1 file is left out as results, below --out"


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        file = tmp_path / "photos" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(file)
    return tmp_path / "photos"


@pytest.fixture
def memory():
    """A file system that is no disk."""
    fsspec = pytest.importorskip("fsspec")
    files = fsspec.filesystem("memory")
    for name in FILES:
        files.pipe(f"/photos/{name}", b"pixels")
    yield "fsspec+memory:///photos"
    files.rm("/photos", recursive=True)


def names(found):
    return [str(each.name) for each in found]


def test_on_disk(photos, capsys):
    assert names(find_inputs(["photos"], Path("photos/predicted"))) == ["a", "predicted2/b"]
    assert f"{SAID} {photos}/predicted\n" in capsys.readouterr().err
    (photos.parent / "link").symlink_to(photos)
    assert names(find_inputs(["link"], Path("photos/predicted"))) == ["a", "predicted2/b"]
    assert len(find_inputs(["photos"])) == 3
    with pytest.raises(KerassegError, match=r"every image lies below --out .*: give another"):
        find_inputs(["photos/predicted"], Path("photos/predicted"))


@pytest.mark.parametrize("images_in", ["disk", "bucket"])
@pytest.mark.parametrize("results_in", ["disk", "bucket"])
def test_of_a_cluster(photos, capsys, images_in, results_in):
    pytest.importorskip("pyarrow")
    images = photos.as_uri() if images_in == "bucket" else "photos"
    out = f"{photos.as_uri()}/predicted" if results_in == "bucket" else "photos/predicted"
    assert names(find_images([images], out)) == ["a", "predicted2/b"]
    said = capsys.readouterr().err
    assert said.startswith(SAID)
    assert said.count("\n") == 1
    assert len(find_images([images], "elsewhere")) == 3
    with pytest.raises(KerassegError, match=r"every image lies below --out .*: give another"):
        find_images([f"{images}/predicted"], out)


def test_in_a_bucket(memory, photos, capsys):
    assert names(find_images([memory], f"{memory}/predicted")) == ["a", "predicted2/b"]
    assert f"{SAID} {memory}/predicted\n" in capsys.readouterr().err
    assert len(find_images([memory], "/photos/predicted")) == 3  # a disk's
    assert len(find_images(["photos"], f"{memory}/predicted")) == 3
    capsys.readouterr()
    found = find_images(["photos/predicted", memory], "photos/predicted")
    assert names(found) == ["a", "predicted/masks/a", "predicted2/b"]
    assert capsys.readouterr().err == f"{SAID} photos/predicted\n"
