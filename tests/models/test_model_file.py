import json
import zipfile

import keras
import numpy as np
import pytest

import kerasseg
from kerasseg.errors import KerassegError
from tests.models.model_case import random_images, tiny_backbone
from tests.models.test_efficientfcn import OPTIONS


@pytest.fixture(scope="module")
def model():
    model = kerasseg.EfficientFCN(tiny_backbone(), 5, **OPTIONS)
    model.compile("sgd", "mse")
    return model


@pytest.fixture
def file(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def refused(path):
    with pytest.raises(KerassegError) as error:
        kerasseg.load(path)
    message = str(error.value)
    assert str(path) in message
    assert len(message.splitlines()) == 1
    return message


def describe(directory):
    facts = {
        "schema_version": 1,
        "kerasseg_version": "0.1.0",
        "architecture": "EfficientFCN",
        "class_names": ["a"],
        "palette": [[0, 0, 0]],
        "ignore_label": 255,
        "dataset": "folder",
        "fingerprint": {},
        "recipe_hash": "",
        "versions": {},
    }
    (directory / "run.json").write_text(json.dumps(facts))


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_model_is_as_it_was_saved_and_not_compiled(model, file, kind):
    loaded = kerasseg.load(kind(file))
    images = random_images(1, 33, 47)
    assert np.array_equal(loaded(images), model(images))
    assert not loaded.compiled


def test_model_goes_on_training(file):
    loaded = kerasseg.load(file)
    before = loaded.get_weights()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    loaded.compile("sgd", loss, run_eagerly=True)
    loaded.fit(random_images(1, 33, 47), np.zeros((1, 33, 47), int), verbose=0)
    assert not all(map(np.array_equal, loaded.get_weights(), before))


def test_run_directory_gives_its_model(model, file):
    describe(file.parent)
    images = random_images(1, 33, 47)
    assert np.array_equal(kerasseg.load(file.parent)(images), model(images))


def test_run_without_a_model(tmp_path):
    describe(tmp_path)
    message = refused(tmp_path)
    assert "holds no model.keras: has its training ended? The command that" in message


def test_directory_that_is_no_run(tmp_path):
    assert "is not a run directory: it holds no run.json" in refused(tmp_path)


def test_saved_model(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    assert "is a SavedModel, which is for serving" in refused(tmp_path)


def test_no_such_file(tmp_path):
    message = refused(tmp_path / "lost.keras")
    assert message.startswith("no such file: ")
    assert "Give a .keras file or a run directory" in message


def test_weights_alone(model, tmp_path):
    model.save_weights(tmp_path / "model.weights.h5")
    assert "holds weights alone" in refused(tmp_path / "model.weights.h5")


def test_file_of_another_kind(tmp_path):
    (tmp_path / "model.pth").write_bytes(b"something")
    assert "is no .keras file: give one that model.save wrote" in refused(tmp_path / "model.pth")


@pytest.mark.parametrize("contents", [b"", b"something of another kind"])
def test_file_that_keras_did_not_write(tmp_path, contents):
    (tmp_path / "model.keras").write_bytes(contents)
    assert "is no model that Keras saved, or is damaged" in refused(tmp_path / "model.keras")


def test_file_cut_short(file):
    file.write_bytes(file.read_bytes()[:-1000])
    assert "was the copy cut short?" in refused(file)


def test_byte_turned_over(file):
    contents = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        place = archive.getinfo("model.weights.h5").header_offset + 5000
    contents[place] ^= 0xFF
    file.write_bytes(contents)
    assert "cannot be loaded: the file is damaged" in refused(file)


def test_zip_archive_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.keras", "w") as archive:
        archive.writestr("photo.jpg", b"")
    message = refused(tmp_path / "photos.keras")
    assert "cannot be loaded" in message
    assert "config.json" in message


def test_layer_of_a_package_that_is_not_imported(tmp_path):
    class Foreign(keras.layers.Layer):
        def call(self, x):
            return x

    pixels = keras.Input((8, 8, 3))
    keras.Model(pixels, Foreign()(pixels)).save(tmp_path / "foreign.keras")
    message = refused(tmp_path / "foreign.keras")
    assert "it holds a Foreign, which no imported package has registered" in message
