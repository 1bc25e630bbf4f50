"""Data sets of TensorFlow Datasets, as its own builders write them, with pictures of ours."""

import importlib.resources
import importlib.resources.abc
import io
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasseg.data import describe, evaluation_batches, load
from kerasseg.data.feeds import training_feed
from kerasseg.data.records import tfds as ours
from kerasseg.data.records.writing import write_records
from kerasseg.errors import KerassegError
from tests.data.test_batches import equal, listed

PETS, SCENES, CITIES = "tfds:oxford_iiit_pet", "tfds:scene_parse150", "tfds:cityscapes"


def stream(array, kind="PNG"):
    contents = io.BytesIO()
    Image.fromarray(array).save(contents, kind)
    contents.seek(0)
    return contents


def pets(count=5):
    from tensorflow_datasets.core.features import BBox

    for n in range(count):
        size = (20 + 4 * (n % 2), 30)
        trimap = np.full(size, 1 + n % 3, np.uint8)
        yield (
            n,
            {
                "image": stream(np.full((*size, 3), 20 * n, np.uint8), "JPEG"),
                "label": 0,
                "species": 0,
                "file_name": f"cat_{n}.jpg",
                "segmentation_mask": stream(trimap),
                "head_bbox": BBox(0.0, 0.0, 0.0, 0.0),
            },
        )


def scenes():
    for n in range(2):
        mask = np.zeros((24, 32, 3), np.uint8)
        mask[:, :8] = 1, 200, 0  # a bed, the instance 200
        mask[:, 8:16] = 100, 3, 0  # a flag
        image = np.full((24, 32, 3), n, np.uint8)
        yield n, {"image": stream(image, "JPEG"), "annotation": stream(mask)}


def cities():
    numbers = np.arange(1024 * 2048).reshape(1024, 2048) // 2048 % 34
    yield (
        0,
        {
            "image_id": "aachen_000000_000019",
            "image_left": stream(np.zeros((1024, 2048, 3), np.uint8)),
            "segmentation_label": stream(numbers.astype(np.uint8)),
        },
    )


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A directory of TensorFlow Datasets with a few examples of each."""
    tfds = pytest.importorskip("tensorflow_datasets")
    folder = tmp_path_factory.mktemp("tfds")
    contents = {
        "oxford_iiit_pet": {"train": pets, "test": lambda: pets(2)},
        "scene_parse150": {"train": scenes, "test": scenes},
        "cityscapes": {"train": cities, "validation": cities},
    }
    with pytest.MonkeyPatch.context() as patch:
        # What it needs to write, and says it needs for older Pythons alone.
        patch.setitem(sys.modules, "importlib_resources", importlib.resources)
        for name, splits in contents.items():
            builder = tfds.builder(name, data_dir=folder)
            patch.setattr(
                type(builder),
                "_split_generators",
                lambda self, dl_manager, splits=splits: {k: make() for k, make in splits.items()},
            )
            builder.download_and_prepare()
    return folder


def test_pets_have_the_classes_of_the_catalogue(data_dir):
    dataset = load(PETS, "train", data_dir=data_dir)
    assert len(dataset) == 5
    encoding = {1: 1, 2: 0, 3: 255}
    for image, label in dataset:
        number = round(float(tf.reduce_mean(tf.cast(image, tf.float32))) / 20)
        assert (image.dtype, label.dtype) == (tf.uint8, tf.int32)
        assert image.shape == (*label.shape, 3) == (20 + 4 * (number % 2), 30, 3)
        assert set(np.unique(label)) == {encoding[1 + number % 3]}
    assert ours.labels_of(PETS) == describe("oxford_iiit_pet").labels


def test_a_split_may_be_called_as_in_the_catalogue(data_dir):
    assert len(load(PETS, "trainval", data_dir=data_dir)) == 5
    assert len(load(PETS, "test", data_dir=data_dir)) == 2
    assert len(load(SCENES, "val", data_dir=data_dir)) == 2


def test_scenes_hold_the_things_of_ade20k_by_their_red(data_dir):
    names = ours.labels_of(SCENES).class_names
    assert names == describe("ade20k").labels.class_names
    for _, label in load(SCENES, "train", data_dir=data_dir):
        found = {int(value) for value in np.unique(label)}
        assert {names[value] for value in found - {255}} == {"bed", "flag"}
        assert names[int(label[0, 0])] == "bed"
        assert np.all(label[:, 16:] == 255)


def test_the_hundred_things_are_told_apart():
    names = describe("ade20k").labels.class_names
    things = [names[thing] for thing in ours._THINGS]
    assert len(set(things)) == 100
    assert [things[n - 1] for n in (4, 24, 49, 58, 66, 85, 95)] == [
        "person",
        "column",
        "arcade machine",
        "television receiver",
        "ship",
        "screen",
        "monitor",
    ]
    assert "wall" not in things


def test_cityscapes_has_nineteen_classes_of_thirty_four_numbers(data_dir):
    ((image, label),) = load(CITIES, "val", data_dir=data_dir)
    assert image.shape == (1024, 2048, 3)
    names = describe("cityscapes").labels.class_names
    assert set(np.unique(label)) == {*range(19), 255}
    assert names[int(label[7, 0])] == "road"
    assert names[int(label[33, 0])] == "bicycle"
    assert int(label[0, 0]) == int(label[29, 0]) == 255


def test_it_is_trained_on_as_a_stream(data_dir):
    split = ours.open_tfds(PETS, "train", data_dir)

    def feed(first_epoch):
        span = {"first_epoch": first_epoch, "epochs": 2, "length": 4}
        examples, _ = training_feed(split, split.labels, "none", seed=3, **span)
        return [tuple(part.numpy() for part in (*place, *parts)) for *place, parts in examples]

    whole = feed(0)
    assert len(whole) == 8
    assert whole[4:] == feed(1)
    assert [parts[2] for parts in whole[:4]] != [parts[2] for parts in whole[4:]]
    seen = listed(evaluation_batches(split, split.labels, batch_size=2))
    assert sorted(len(image) for image, _ in seen) == [1, 2, 2]


def test_its_records_hold_the_same(data_dir, tmp_path):
    split = ours.open_tfds(PETS, "train", data_dir)
    source = {"train": ours.TfdsSource(PETS, "train", data_dir)}
    found = write_records(source, split.labels, tmp_path / "out", source=PETS, shards=2)
    assert found.splits["train"].fingerprint == split.fingerprint
    records = load("records", "train", data_dir=tmp_path / "out")
    assert equal(listed(records), listed(load(PETS, "train", data_dir=data_dir)))
    assert write_records(source, split.labels, tmp_path / "out", source=PETS, shards=2) == found


def test_single_examples_are_had_by_their_place(data_dir):
    split = ours.open_tfds(PETS, "train", data_dir)
    names = [name.numpy().decode() for name, _, _ in split.in_order()]
    assert [example.name for example in split.examples([1, 4])] == [names[1], names[4]]
    assert sorted(names) == [f"cat_{n}.jpg" for n in range(5)]


@pytest.fixture
def broken(monkeypatch):
    """The third example of a source has lost the end of its image."""
    dataset = ours.TfdsSource.dataset

    def cut(index, parts):
        name, image, label = parts
        return name, tf.strings.substr(image, 0, tf.where(index == 2, 30, 1 << 20)), label

    def with_one_cut(self, start, stop):
        return dataset(self, start, stop).enumerate(start).map(cut)

    monkeypatch.setattr(ours.TfdsSource, "dataset", with_one_cut)


def test_an_example_that_cannot_be_decoded_is_named(data_dir, broken):
    message = r"tfds:oxford_iiit_pet .train.: cat_\d.jpg is corrupt"
    with pytest.raises(KerassegError, match=message):
        load(PETS, "train", data_dir=data_dir)


def test_it_may_be_skipped(data_dir, broken, monkeypatch, capsys):
    monkeypatch.setattr("kerasseg.data.checking._SKIPPED_AT_MOST", 0.2)
    dataset = load(PETS, "train", data_dir=data_dir, on_error="skip")
    assert len(dataset) == len(listed(dataset)) == 4
    said = capsys.readouterr().err
    assert "skipped 1 of " in said
    assert "  tfds:oxford_iiit_pet" in said
    split = ours.open_tfds(PETS, "train", data_dir, on_error="skip")
    assert len(split.sizes) == 4
    names = [name.numpy().decode() for name, _, _ in split.in_order()]
    assert [example.name for example in split.examples([2, 3])] == names[2:]


def test_what_is_not_there_is_not_downloaded(tmp_path):
    with pytest.raises(KerassegError, match=r"pet is not prepared in .*: .* OUT --download\.$"):
        load(PETS, "train", data_dir=tmp_path)
    with pytest.raises(KerassegError, match=r"Put leftImg8bit_trainvaltest.zip and gtFine_train"):
        load(CITIES, "train", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_fails_says_why(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "importlib_resources", importlib.resources)
    with pytest.raises(KerassegError, match=r"cityscapes could not be prepared .* Put leftImg8"):
        ours.TfdsSource(CITIES, "train", tmp_path, download=True)


def test_names_that_are_not_there(data_dir):
    with pytest.raises(KerassegError, match="did you mean 'tfds:oxford_iiit_pet'"):
        load("tfds:oxford_pet", "train")
    with pytest.raises(KerassegError, match="unknown split of tfds:oxford_iiit_pet 'tran': did y"):
        load(PETS, "tran", data_dir=data_dir)
