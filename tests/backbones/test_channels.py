"""Images of one, two, four and more channels before networks that know RGB."""

import keras
import numpy as np
import pytest

from kerasseg import backbones
from kerasseg.backbones import catalogue
from kerasseg.backbones.channels import normalization_of, on_channels
from kerasseg.errors import KerassegError
from tests.backbones.families import assert_same_maps, images, quickly, shared

RGB = images(2, 33, 47)
MEAN, STD = (10.0, 20.0, 30.0), (1.0, 2.0, 3.0)
NORMALIZATION = {"mean": MEAN, "std": STD}
# The network wants B, G, R, and its statistics are in that order.
REVERSED = {"mean": MEAN[::-1], "std": STD[::-1], "reverse_channels": True}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The weights file of a backbone on RGB, by its name."""
    directory = tmp_path_factory.mktemp("weights")

    def file(name):
        path = directory / f"{name}.weights.h5"
        if not path.exists():
            shared(name).save_weights(path)
        return path

    return file


@pytest.fixture(scope="module")
def network():
    pixels = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", bias_initializer="ones", name="stem")(pixels)
    return keras.Model(pixels, keras.layers.Conv2D(2, 1, name="head")(x))


@pytest.mark.parametrize("name", quickly("vgg16", "mobilenetv3small"))
def test_rgb_twice_in_six_channels_equals_rgb(name, saved):
    model = backbones.create(name, (None, None, 6), saved(name))
    assert model.inputs[0].shape == (None, None, None, 6)
    assert_same_maps(model(np.concatenate([RGB, RGB], axis=-1)), shared(name)(RGB))


@pytest.mark.parametrize(
    "name",
    [
        "mobilenetv3small",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("mobilenet", "efficientnet_lite0")
        ),
    ],
)
def test_one_channel_equals_a_grey_image_where_rgb_is_normalized_alike(name, saved):
    """These families have the same mean and deviation for R, G and B."""
    grey = images(2, 33, 47, channels=1)
    model = backbones.create(name, (None, None, 1), saved(name))
    assert_same_maps(model(grey), shared(name)(grey.repeat(3, axis=-1)))


@pytest.mark.parametrize("name", quickly("vgg16", "mobilenet"))
def test_one_channel_equals_a_normalized_grey_image(name):
    """Behind the normalization the summed kernels do what the three did, in every family."""
    row = catalogue.find(name)
    rgb = row.build(keras.Input((None, None, 3)), None)
    rgb = keras.Model(rgb.inputs[0], [rgb.get_layer(layer).output for layer in row.features])
    grey = on_channels(rgb, keras.Input((None, None, 1)), row.normalization, pretrained=True)
    x = np.random.default_rng(0).normal(size=(2, 33, 47, 1)).astype("float32")
    assert_same_maps(grey(x), rgb(x.repeat(3, axis=-1)))


@pytest.mark.parametrize("name", ["vgg16", "mobilenetv3small"])
def test_a_fourth_channel_is_seen_as_red(name, saved):
    model = backbones.create(name, (None, None, 4), saved(name))
    stem = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    kernel, *_ = stem.get_weights()
    original, *_ = shared(name).get_layer(stem.name).get_weights()
    in_rgb = original[:, :, ::-1] if name == "vgg16" else original
    np.testing.assert_allclose(kernel[:, :, :3], in_rgb * 0.75, rtol=1e-6)
    np.testing.assert_array_equal(kernel[:, :, 3], kernel[:, :, 0])
    for layer in model.layers:
        if layer.weights and layer is not stem:
            expected = shared(name).get_layer(layer.name).get_weights()
            assert all(map(np.array_equal, layer.get_weights(), expected))


@pytest.mark.parametrize("normalization", [NORMALIZATION, REVERSED])
def test_normalization_is_averaged_for_one_channel_and_repeated_for_more(normalization):
    assert normalization_of(normalization, 1) == {"mean": (20.0,), "std": (2.0,)}
    assert normalization_of(normalization, 2) == {"mean": (10.0, 20.0), "std": (1.0, 2.0)}
    assert normalization_of(normalization, 4) == {"mean": (*MEAN, 10.0), "std": (*STD, 1.0)}
    assert normalization_of(normalization, 3) == normalization


def test_a_stem_keeps_its_bias(network):
    adapted = on_channels(network, keras.Input((None, None, 5)), NORMALIZATION, pretrained=True)
    np.testing.assert_array_equal(adapted.get_layer("stem").get_weights()[1], np.ones(4))


def test_random_weights_are_drawn_for_the_channels_themselves(network):
    adapted = on_channels(network, keras.Input((None, None, 4)), NORMALIZATION, pretrained=False)
    kernel = adapted.get_layer("stem").get_weights()[0]
    assert kernel.shape == (3, 3, 4, 4)
    assert not np.allclose(kernel[:, :, 3], kernel[:, :, 0])
    assert np.abs(kernel).max() <= np.sqrt(6 / (9 * 4 + 9 * 4))  # Glorot's bound
    head = network.get_layer("head").get_weights()
    assert all(map(np.array_equal, adapted.get_layer("head").get_weights(), head))


def test_a_file_of_the_same_channels_is_taken_as_it_is(tmp_path):
    first = backbones.create("mobilenetv3small", (None, None, 4), weights=None)
    first.save_weights(tmp_path / "four.weights.h5")
    again = backbones.create("mobilenetv3small", (None, None, 4), tmp_path / "four.weights.h5")
    assert all(map(np.array_equal, again.get_weights(), first.get_weights()))


def test_a_file_of_other_channels_is_refused(tmp_path):
    backbones.create("mobilenetv3small", (None, None, 4), weights=None).save_weights(
        tmp_path / "four.weights.h5"
    )
    with pytest.raises(KerassegError, match=r"conv/0 \(3, 3, 4, 16\) in the file, \(3, 3, 3, 16\)"):
        backbones.create("mobilenetv3small", weights=tmp_path / "four.weights.h5")


def test_bytes_of_one_channel_are_taken_at_a_known_size():
    model = backbones.create("mobilenetv3small", (64, 96, 1), weights=None)
    grey = images(1, 64, 96, channels=1)
    assert_same_maps(model(grey.astype("uint8")), model(grey), tolerance=0)
    assert [level.shape[1:3] for level in model.outputs] == [(16, 24), (8, 12), (4, 6), (2, 3)]


@pytest.mark.parametrize("channels", [0, -1, None, 2.5])
def test_less_than_one_channel_is_refused(channels):
    with pytest.raises(KerassegError, match=r"input_shape is .height, width, channels"):
        backbones.create("mobilenetv3small", (None, None, channels), weights=None)
