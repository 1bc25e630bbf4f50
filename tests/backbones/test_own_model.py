import keras
import numpy as np
import pytest

from kerasseg import backbones
from kerasseg.errors import KerassegError

PIXELS = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype("float32")


def own(
    *strides: int, size: int | None = None, padding: str = "same", channels: int = 3
) -> keras.Model:
    pixels = keras.Input((size, size, channels))
    levels = [
        keras.layers.AveragePooling2D(stride, stride, padding=padding)(pixels) for stride in strides
    ]
    return keras.Model(pixels, levels, name="mine")


@pytest.mark.parametrize("size", [None, 64, 50])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_is_used_as_it_is(size, padding):
    model = own(4, 8, 16, 32, size=size, padding=padding)
    assert backbones.create(model) is model


def test_gets_another_name_on_request():
    model = own(4, 8, 16, 32)
    renamed = backbones.create(model, name="yours")
    assert renamed.name == "yours"
    for level, reference in zip(renamed(PIXELS), model(PIXELS), strict=True):
        np.testing.assert_array_equal(level, reference)


def test_may_be_a_subclassed_model():
    class Subclassed(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="subclassed")
            self.inner = own(4, 8, 16, 32)

        def call(self, pixels):
            return self.inner(pixels)

    model = Subclassed()
    assert backbones.create(model) is model
    assert len(backbones.create(model, name="other").outputs) == 4


@pytest.mark.parametrize(
    ("strides", "message"),
    [
        ((4, 8, 16), "3 maps of the shapes .* for an image of 256x256: none is at stride 32"),
        ((2, 4, 8, 16), "none is at stride 32"),
        ((8, 16, 16, 32), "none is at stride 4"),
        ((32, 64, 64, 64), "none is at stride 4, 8, 16"),
        ((32, 16, 8, 4), "returns 4 maps, at strides 32, 16, 8, 4"),
        ((4, 8, 16, 32, 64), "returns 5 maps, at strides 4, 8, 16, 32, 256/4x256/4"),
    ],
)
def test_without_the_four_strides_is_refused(strides, message):
    with pytest.raises(KerassegError, match=f"'mine' cannot be a backbone: it .*{message}"):
        backbones.create(own(*strides))


def test_error_says_what_a_backbone_returns():
    with pytest.raises(KerassegError, match=r"list of four feature maps .* 4, 8, 16 and 32"):
        backbones.create(own(4, 8))


def test_one_output_is_refused():
    pixels = keras.Input((None, None, 3))
    model = keras.Model(pixels, keras.layers.AveragePooling2D(4)(pixels))
    with pytest.raises(KerassegError, match="not a list"):
        backbones.create(model)


def test_maps_of_another_rank_are_refused():
    pixels = keras.Input((None, None, 3))
    model = keras.Model(pixels, [keras.layers.GlobalAveragePooling2D()(pixels)] * 4)
    with pytest.raises(KerassegError, match=r"outputs of the shapes \(1, 3\), \(1, 3\)"):
        backbones.create(model)


@pytest.mark.parametrize("shapes", [[(10,)], [(None, None, 3), (None, None, 3)]])
def test_inputs_other_than_one_image_are_refused(shapes):
    inputs = [keras.Input(shape) for shape in shapes]
    model = keras.Model(inputs, [keras.layers.Identity()(inputs[0]) for _ in range(4)])
    with pytest.raises(KerassegError, match="takes inputs of the shapes"):
        backbones.create(model)


@pytest.mark.parametrize("channels", [1, 4])
def test_may_take_other_channels_than_three(channels):
    model = own(4, 8, 16, 32, channels=channels)
    assert backbones.create(model, (None, None, channels)) is model
    renamed = backbones.create(model, (None, None, channels), name="yours")
    assert renamed.inputs[0].shape == (None, None, None, channels)


def test_other_channels_than_the_input_shape_names_are_refused():
    model = own(4, 8, 16, 32, channels=4)
    with pytest.raises(KerassegError, match=r"'mine' takes images of 4 channels.*names 3: give"):
        backbones.create(model)


def test_weights_file_beside_it_is_refused():
    with pytest.raises(KerassegError, match=r"'w\.h5' is for backbones given by name"):
        backbones.create(own(4, 8, 16, 32), weights="w.h5")
