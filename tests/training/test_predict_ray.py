"""Prediction on a Ray cluster, here two workers of a core each on this machine."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.processes import CHECKOUT
from tests.training.runs import contents
from training.predict import main

COUNT = 16
PROTOCOL = ("--scales", "0.5", "1", "1.5", "2", "--flip", "--overlays")
POLYGONS = ("--polygons", "coco")


@pytest.fixture(scope="module")
def cluster():
    """A cluster for all tests of this file, whose processes are as urgent as others are."""
    ray = pytest.importorskip("ray")
    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_worker_niceness", "0")
    patch.setenv("PYTHONPATH", str(CHECKOUT))
    own = {"include_dashboard": False, "object_store_memory": 100_000_000}
    ray.init("local", num_cpus=2, num_gpus=0, log_to_driver=False, **own)
    yield ray
    ray.shutdown()
    patch.undo()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Photos of many sizes, the last of which is cut short."""
    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(0)
    for number in range(COUNT):
        pixels = generator.integers(0, 256, (200 + number, 300, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.jpg")
    (folder / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


@pytest.fixture(scope="module")
def plain(undisturbed, photos, tmp_path_factory):
    """The files that the plain program writes, with as many threads as a worker has."""
    out = tmp_path_factory.mktemp("plain") / "out"
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    command = [sys.executable, "-m", "training.predict", undisturbed, photos, "--out", out]
    ended = subprocess.run(
        [*command, *PROTOCOL, *POLYGONS], cwd=CHECKOUT, env={**os.environ, **threads}, check=False
    )
    assert ended.returncode == 1
    return contents(out)


def by_ray(*arguments):
    """The exit status of the program."""
    return main([*map(str, arguments), *PROTOCOL, "--engine", "ray", "--workers", "2"])


def workers_of_this_process():
    """The processes that hold a copy of the model, of the cluster that this process started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_text()
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            grandparent = Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if name.startswith("ray::MapWorker") and int(grandparent) == os.getpid():
            found.append(int(folder.name))
    return found


def kill_one(masks, killed):
    """Kills a worker as soon as two masks are there, and notes how many were."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        count = len(list(masks.glob("[!.]*.png")))
        if count >= 2:
            os.kill(workers_of_this_process()[0], signal.SIGKILL)
            killed.append(count)
            return
        time.sleep(0.01)


@pytest.mark.slow
def test_a_killed_worker_loses_nothing_and_a_restart_goes_on(
    cluster, undisturbed, photos, plain, tmp_path, capsys
):
    out, killed = tmp_path / "out", []
    thread = threading.Thread(target=kill_one, args=(out / "masks", killed))
    thread.start()
    assert by_ray(undisturbed, photos, "--out", out, *POLYGONS) == 1
    thread.join()
    assert killed
    assert killed[0] < COUNT - 2
    said = capsys.readouterr()
    assert f"{COUNT} images predicted: {out}" in said.out
    assert "1 could not be predicted:" in said.err
    assert "cut.png is corrupt or" in said.err
    assert contents(out) == plain

    (out / "overlays/03.png").unlink()
    times = {path: path.stat().st_mtime_ns for path in out.glob("masks/*")}
    assert by_ray(undisturbed, photos, "--out", out, *POLYGONS) == 1
    said = capsys.readouterr().out
    assert "1 image predicted" in said
    assert f"{COUNT - 1} were there already, newer than what was to be predicted" in said
    assert contents(out) == plain
    again = {path.name for path, time in times.items() if path.stat().st_mtime_ns != time}
    assert again == {"03.png"}


@pytest.mark.slow
def test_images_and_results_in_a_bucket(cluster, undisturbed, photos, plain, tmp_path, capsys):
    out = tmp_path / "out"
    images = [f"{photos.as_uri()}/{name}" for name in ("01.jpg", "cut.png", "gone.jpg")]
    assert by_ray(undisturbed, *images, "--out", out.as_uri()) == 1
    said = capsys.readouterr()
    assert f"1 image predicted: file://{out}" in said.out
    assert f"file://{photos}/cut.png is corrupt or" in said.err
    assert f"file://{photos}/gone.jpg cannot be read" in said.err
    expected = ("prediction.json", "masks/01.png", "overlays/01.png")
    assert contents(out) == {name: plain[name] for name in expected}


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_ends_in_a_line(cluster, finished, photos, tmp_path, capsys):
    (finished / "model.keras").write_bytes(b"no model")
    assert by_ray(finished, photos / "00.jpg", "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "error: the run's model is no model that Keras saved, or is damaged" in said
    assert "Traceback" not in said


def test_without_ray_the_extra_is_named(undisturbed, photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert by_ray(undisturbed, photos, "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert said == 'error: --engine ray needs Ray: pip install "kerasseg[ray]".\n'
    assert not (tmp_path / "out").exists()


def test_what_only_one_engine_takes(undisturbed, photos, tmp_path, capsys):
    out = ("--out", str(tmp_path / "out"))
    for arguments, message in (
        (["s3://bucket/photos", *out], "s3://bucket/photos is a URI, which --engine ray takes"),
        ([str(photos), "--out", "gs://bucket/out"], "gs://bucket/out is a URI"),
        ([str(photos), *out, "--workers", "2"], "--workers are those of --engine ray"),
        ([str(photos), *out, "--engine", "ray", "--devices", "CPU:0"], "--devices has no effect"),
        ([str(photos), "--out", "gs://bucket/out", "--engine", "ray", *POLYGONS], "polygons coco"),
    ):
        assert main([str(undisturbed), *arguments]) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
