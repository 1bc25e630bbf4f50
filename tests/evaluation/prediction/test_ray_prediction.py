"""What a worker does, without a cluster; with one, in tests/training/test_predict_ray.py."""

import io
import json
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as Pillow

from kerasseg.errors import KerassegError
from kerasseg.evaluation import DenseCRF, Predictor, Protocol
from kerasseg.evaluation.prediction.outputs import Outputs
from kerasseg.evaluation.prediction.polygon_files import POLYGON_SUFFIXES
from kerasseg.evaluation.prediction.ray_prediction import (
    Share,
    divide,
    find_images,
    predict_on_cluster,
)
from kerasseg.evaluation.prediction.ray_worker import Job, Starts, Worker
from kerasseg.label_set import LabelSet
from tests.ports import free_addresses

LABELS = LabelSet(("ground", "box"))


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photos/may").mkdir(parents=True)
    for name in ("a.png", "may/b.png"):
        pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3)).astype(np.uint8)
        Pillow.fromarray(pixels).save(Path("photos", name))
    return tmp_path / "photos"


@pytest.fixture
def network():
    images = keras.Input((None, None, 3))
    return keras.Model(images, keras.layers.Conv2D(2, 3, padding="same", name="logits")(images))


@pytest.fixture
def worker(network, tmp_path, monkeypatch):
    """Makes a worker in this process, with what Ray gives it."""
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get=lambda reference: reference))
    threads = []
    for kind in ("intra", "inter"):
        name = f"set_{kind}_op_parallelism_threads"
        monkeypatch.setattr(tf.config.threading, name, threads.append)
    network.save(tmp_path / "model.keras")
    starts = SimpleNamespace(add=SimpleNamespace(remote=Starts().add))

    def make(job):
        made = Worker(np.fromfile(tmp_path / "model.keras", np.uint8), job, 3, starts)
        assert threads == [3, 3]
        return made

    return make


def handed(image):
    return {key: np.array([str(getattr(image, key))]) for key in ("path", "name", "uri")}


def said(result):
    assert {len(value) for value in result.values()} == {1}
    return str(result["problem"][0]), bool(result["fatal"][0])


def mask(network, file):
    with Pillow.open(file) as picture:
        return Predictor(network).classes(np.asarray(picture)[np.newaxis])[0]


@pytest.mark.parametrize("images_in", ["disk", "bucket"])
@pytest.mark.parametrize("results_in", ["disk", "bucket"])
def test_a_worker_writes_what_it_finds(worker, network, photos, tmp_path, images_in, results_in):
    out = tmp_path / "out"
    outputs = Outputs(out, LABELS, overlays=True, probabilities=True)
    job = Job(Protocol(), outputs, out.as_uri() if results_in == "bucket" else "")
    job.claim({}, overwrite=False)
    images = find_images([photos.as_uri() if images_in == "bucket" else "photos"])
    assert job.not_done(images) == images
    made = worker(job)
    assert [said(made(handed(image))) for image in images] == [("", False)] * 2
    assert job.not_done(images) == []
    for name in ("a", "may/b"):
        with Pillow.open(out / f"masks/{name}.png") as found:
            np.testing.assert_array_equal(found, mask(network, photos / f"{name}.png"))
        assert np.load(out / f"probabilities/{name}.npy").shape == (40, 48, 2)
        assert (out / f"overlays/{name}.png").is_file()
    (out / "overlays/a.png").unlink()
    assert [str(image.name) for image in job.not_done(images)] == ["a"]


@pytest.mark.parametrize(("polygons", "uri"), [("coco", False), ("geojson", True)])
def test_a_worker_writes_polygons(worker, photos, tmp_path, polygons, uri):
    pytest.importorskip("rasterio")
    out = tmp_path / "out"
    job = Job(Protocol(), Outputs(out, LABELS, polygons=polygons), out.as_uri() if uri else "")
    job.claim({}, overwrite=False)
    images = find_images([photos.as_uri() if uri else "photos"])
    made = worker(job)
    assert [said(made(handed(image))) for image in images] == [("", False)] * 2
    assert job.not_done(images) == []
    for name in ("a", "may/b"):
        file = out / f"polygons/{name}{POLYGON_SUFFIXES[polygons]}"
        with Pillow.open(out / f"masks/{name}.png") as found:
            assert areas(json.loads(file.read_text())) == [
                np.count_nonzero(np.asarray(found) == class_id) for class_id in range(2)
            ]
    (out / f"polygons/may/b{POLYGON_SUFFIXES[polygons]}").unlink()
    assert [str(image.name) for image in job.not_done(images)] == ["may/b"]


def areas(found):
    """How many pixels the polygons of each class have."""
    if "features" in found:
        pairs = [
            (each["properties"]["id"], each["properties"]["pixels"]) for each in found["features"]
        ]
    else:
        pairs = [(each["category_id"], each["area"]) for each in found["annotations"]]
    return [sum(area for class_id, area in pairs if class_id == wanted) for wanted in range(2)]


def test_polygons_are_gathered_though_no_worker_is_needed(worker, photos, tmp_path, monkeypatch):
    pytest.importorskip("rasterio")
    monkeypatch.setattr(sys.modules["ray"], "data", None, raising=False)
    monkeypatch.setitem(sys.modules, "ray.data", SimpleNamespace())
    job = Job(Protocol(), Outputs(tmp_path / "out", LABELS, polygons="coco"))
    job.claim({}, overwrite=False)
    images = find_images(["photos"])
    made = worker(job)
    for image in images:
        made(handed(image))
    outcome = predict_on_cluster(images, tmp_path / "model.keras", job, {})
    assert (outcome.written, outcome.skipped) == (0, 2)
    found = json.loads((tmp_path / "out/coco.json").read_text())
    assert [image["file_name"] for image in found["images"]] == ["a.png", "may/b.png"]


def test_polygons_of_all_images_are_not_gathered_in_a_bucket(tmp_path):
    outputs = Outputs(tmp_path / "out", LABELS, polygons="coco")
    with pytest.raises(KerassegError, match=r"give --out a directory, or say --polygons geojson\."):
        Job(Protocol(), outputs, "s3://bucket/out")


def test_a_worker_refines_by_a_dense_crf(worker, network, photos, tmp_path):
    pytest.importorskip("pydensecrf")
    protocol = Protocol(crf=DenseCRF(steps=2, smoothness_weight=9))
    job = Job(protocol, Outputs(tmp_path / "out", LABELS, probabilities=True))
    made = worker(pickle.loads(pickle.dumps(job)))  # as Ray has it get there
    for image in find_images(["photos"]):
        assert said(made(handed(image))) == ("", False)
    with Pillow.open(photos / "a.png") as picture:
        pixels = np.asarray(picture)[np.newaxis]
    (refined,) = Predictor(network, protocol).probabilities(pixels)
    assert np.abs(refined - Predictor(network).probabilities(pixels)[0]).max() > 0.01
    found = np.load(tmp_path / "out/probabilities/a.npy")
    np.testing.assert_allclose(found, refined, atol=1e-6)
    with Pillow.open(tmp_path / "out/masks/a.png") as mask:
        np.testing.assert_array_equal(mask, refined.argmax(axis=-1))


def test_a_dense_crf_that_is_missing_is_said_before_anything_is_written(
    photos, tmp_path, monkeypatch
):
    pytest.importorskip("ray")
    monkeypatch.setitem(sys.modules, "pydensecrf", None)
    job = Job(Protocol(crf=DenseCRF()), Outputs(tmp_path / "out", LABELS))
    with pytest.raises(KerassegError, match="a dense CRF needs the package pydensecrf2"):
        predict_on_cluster(find_images(["photos"]), tmp_path / "model.keras", job, {})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("uri", [False, True], ids=["disk", "bucket"])
def test_videos_are_refused(photos, uri):
    (photos / "clip.mp4").touch()
    with pytest.raises(
        KerassegError, match=r"photos/clip\.mp4 is a video, which --engine ray does"
    ):
        find_images([photos.as_uri() if uri else "photos"])
    assert len(find_images(["photos/**/*.png"])) == 2


@pytest.mark.parametrize("uri", [False, True], ids=["disk", "bucket"])
def test_what_a_worker_cannot_read_it_reports(worker, photos, tmp_path, uri):
    Path("photos/a.png").write_bytes(b"no pixels")
    job = Job(Protocol(), Outputs(tmp_path / "out", LABELS))
    file = photos / "a.png"
    (image,) = find_images([file.as_uri() if uri else str(file)])
    place = file.as_uri() if uri else file
    assert said(worker(job)(handed(image))) == (f"{place} is corrupt or no image.", False)


def test_a_model_that_cannot_be_loaded_ends_everything(worker, network, photos, tmp_path):
    job = Job(Protocol(), Outputs(tmp_path / "out", LABELS))
    (tmp_path / "model.keras").write_bytes(b"no model")
    problem, fatal = said(worker(job)(handed(find_images(["photos"])[0])))
    assert fatal
    assert problem.startswith("the run's model is no model that Keras saved, or is damaged: ")


def test_a_place_that_cannot_be_written_to_ends_everything(worker, photos, tmp_path):
    (tmp_path / "out").touch()
    job = Job(Protocol(), Outputs(Path("/proc/out"), LABELS), (tmp_path / "out").as_uri())
    problem, fatal = said(worker(job)(handed(find_images(["photos"])[0])))
    assert fatal
    assert problem.startswith(f"file://{tmp_path}/out/masks/a.png cannot be written: ")


def test_an_image_that_takes_workers_along_is_not_tried_for_ever(worker, photos, tmp_path):
    job = Job(Protocol(), Outputs(tmp_path / "out", LABELS))
    made, image = worker(job), find_images(["photos/a.png"])[0]
    for _ in range(3):
        assert said(made(handed(image))) == ("", False)
    problem, fatal = said(made(handed(image)))
    assert problem.startswith(f"{photos}/a.png cannot be predicted: 3 workers were killed over it")
    assert not fatal


def test_images_on_disk_and_in_a_bucket_each_once(photos, monkeypatch):
    uri = photos.as_uri()
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{uri}/may\n\nphotos/a.png\n"))
    found = find_images(["-", "photos/*.png", f"{uri}/may/b.png"])
    assert [(str(image.name), bool(image.uri)) for image in found] == [("a", False), ("b", True)]
    assert found[0].path == str(photos / "a.png")
    with pytest.raises(KerassegError, match=r"a\.png and file://.*a\.png would both be written"):
        find_images(["photos", f"{uri}/a.png"])


def test_a_cluster_that_does_not_answer_is_named(photos, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    job = Job(Protocol(), Outputs(tmp_path / "out", LABELS))
    (tmp_path / "model.keras").write_bytes(b"model")
    (address,) = free_addresses(1)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(KerassegError, match=f"no Ray cluster answers at RAY_ADDRESS={address}: "):
        predict_on_cluster(find_images(["photos"]), tmp_path / "model.keras", job, {})


def machine(cpus, gpus=0, alive=True):
    return {"Alive": alive, "Resources": {"CPU": float(cpus), "GPU": float(gpus), "memory": 1e9}}


@pytest.mark.parametrize(
    ("machines", "workers", "expected"),
    [
        ([(8, 0), (8, 0)], None, Share(2, 8, 0)),
        ([(8, 0), (8, 0)], 3, Share(3, 4, 0)),
        ([(8, 0), (2, 0)], 5, Share(5, 2, 0)),
        ([(0, 0), (16, 4), (16, 4)], None, Share(8, 4, 1)),
        ([(64, 0), (16, 4)], None, Share(4, 4, 1)),  # those without a GPU have nothing to do
        ([(16, 4), (16, 4)], 2, Share(2, 16, 1)),
        ([(2, 0), (8, 0, False)], None, Share(1, 2, 0)),
    ],
)
def test_each_worker_has_its_share_of_the_cores(machines, workers, expected):
    assert divide([machine(*each) for each in machines], workers) == expected


@pytest.mark.parametrize("workers", [0, -1, 3])
def test_more_workers_than_cores_or_gpus(workers):
    for machines in ([machine(2)], [machine(8, 2)]):
        with pytest.raises(KerassegError, match=f"--workers {workers}: the cluster has "):
            divide(machines, workers)
