"""The ResNets at stride 8: the same tensors, and the plain network's features between new ones."""

import keras
import numpy as np
import pytest

from kerasseg import backbones
from kerasseg.backbones import dilated
from kerasseg.errors import KerassegError
from tests.backbones.test_keras_applications import official, write_official_layout
from tests.models.model_case import assert_close, random_images

IMAGES = random_images(1, 97, 161)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A ResNet-50's weights in the layout of the files that Keras Applications download."""
    path = tmp_path_factory.mktemp("resnet50") / "notop.h5"
    return write_official_layout(path, official("ResNet50"))


@pytest.fixture(scope="module")
def plain(weights):
    return backbones.create("resnet50", weights=weights)


@pytest.fixture(scope="module")
def model(weights):
    return dilated.create("resnet50", weights=weights)


@pytest.fixture(scope="module")
def maps(plain, model):
    return plain(IMAGES), model(IMAGES)


def convs(model, stage):
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    return {layer.name: layer for layer in layers if layer.name.startswith(stage)}


def test_last_two_maps_stay_at_stride_8(maps):
    shapes = [level.shape[1:] for level in maps[1]]
    assert shapes == [(25, 41, 256), (13, 21, 512), (13, 21, 1024), (13, 21, 2048)]


@pytest.mark.parametrize(("level", "step"), [(0, 1), (1, 1), (2, 2), (3, 4)])
def test_features_of_the_plain_network_lie_between_the_new_ones(maps, level, step):
    # What the plain network leaves out lies between; what it sees is the same, borders included.
    assert_close(maps[1][level][:, ::step, ::step], maps[0][level])


@pytest.mark.parametrize("level", [2, 3])
def test_features_in_between_are_no_copies(maps, level):
    features = maps[1][level].numpy()
    assert np.abs(features[:, 1::2] - features[:, :-1:2]).mean() > 0.01 * features.std()


@pytest.mark.parametrize(("stage", "dilation"), [("conv4", 2), ("conv5", 4)])
def test_strides_have_become_dilation_of_every_3x3_conv(model, stage, dilation):
    layers = convs(model, stage)
    assert {layer.strides for layer in layers.values()} == {(1, 1)}
    wide = {name for name, layer in layers.items() if layer.dilation_rate == (dilation, dilation)}
    assert wide == {name for name in layers if name.endswith("_2_conv")}
    assert f"{stage}_block1_2_conv" in wide
    assert {layers[name].dilation_rate for name in layers.keys() - wide} == {(1, 1)}


def test_finer_stages_are_as_they_were(plain, model):
    for stage in ("conv1", "conv2", "conv3"):
        ours, theirs = convs(model, stage), convs(plain, stage)
        assert [layer.get_config() for layer in ours.values()] == [
            layer.get_config() for layer in theirs.values()
        ]


def test_is_one_model_of_its_own_name_with_the_normalization_inside(model):
    assert type(model).__name__ == "Functional"
    assert model.name == "resnet50"
    assert model.get_layer("normalization").reverse_channels


def test_shares_no_variable_with_the_plain_network(plain, model):
    assert not {id(weight) for weight in plain.weights} & {id(weight) for weight in model.weights}


@pytest.mark.parametrize("name", ["mobilenetv2", "resnet50v2"])
def test_other_backbones_are_refused(name):
    with pytest.raises(KerassegError, match=f"no backbone {name!r}; it takes resnet50, resnet101"):
        dilated.create(name, weights=None)


@pytest.mark.parametrize("name", ["resnet11", "Resnet101", 50])
def test_unknown_name_is_refused_with_those_that_there_are(name):
    with pytest.raises(
        KerassegError, match=f"DilatedFCN {name!r}.*: resnet101, resnet152, resnet50"
    ):
        dilated.create(name, weights=None)


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 4, 6])
def test_weights_are_adapted_to_the_channels_as_those_of_the_plain_network(weights, channels):
    shape = (None, None, channels)
    plain, wide = (
        create("resnet50", shape, weights) for create in (backbones.create, dilated.create)
    )
    assert wide.get_layer("conv1_conv").kernel.shape == (7, 7, channels, 64)
    pairs = list(zip(wide.weights, plain.weights, strict=True))
    assert all(np.array_equal(one, other) for one, other in pairs)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 96, channels)).astype("float32")
    found, expected = wide(pixels), plain(pixels)
    assert_close(found[3][:, ::4, ::4], expected[3])


@pytest.mark.slow
def test_a_file_that_a_dilated_backbone_of_four_channels_saved_is_taken_again(weights, tmp_path):
    shape = (None, None, 4)
    saved = dilated.create("resnet50", shape, weights)
    saved.save_weights(tmp_path / "four.weights.h5")
    again = dilated.create("resnet50", shape, tmp_path / "four.weights.h5")
    pairs = list(zip(again.weights, saved.weights, strict=True))
    assert all(np.array_equal(one, other) for one, other in pairs)


def own(*strides: int, size: int | None = None) -> keras.Model:
    pixels = keras.Input((size, size, 3))
    levels = [keras.layers.AveragePooling2D(stride)(pixels) for stride in strides]
    return keras.Model(pixels, levels, name="mine")


@pytest.mark.parametrize("size", [None, 64, 50])
def test_own_model_is_used_as_it_is(size):
    model = own(4, 8, 8, 8, size=size)
    assert dilated.create(model) is model


@pytest.mark.parametrize(
    ("strides", "message"),
    [
        ((4, 8, 16, 32), "returns 4 maps, at strides 4, 8, 16, 32."),
        ((8, 8, 8, 4), "returns 4 maps, at strides 8, 8, 8, 4."),
        ((4, 8, 8, 8, 8), "returns 5 maps, at strides 4, 8, 8, 8, 8."),
        (
            (8, 8, 8),
            "returns 3 maps of the shapes (1, 32, 32, 3), (1, 32, 32, 3), (1, 32, 32, 3) for an "
            "image of 256x256: none is at stride 4.",
        ),
    ],
)
def test_own_model_of_other_strides_is_refused(strides, message):
    with pytest.raises(KerassegError) as error:
        dilated.create(own(*strides))
    assert str(error.value) == (
        f"the model 'mine' cannot be the backbone of a DilatedFCN: it {message}\n"
        "The backbone of a DilatedFCN takes images (N, H, W, channels) and returns a list of four "
        "feature maps (N, H, W, channels) at strides 4, 8, 8 and 8, in this order."
    )


@pytest.mark.parametrize("create", [backbones.create, dilated.create])
@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (lambda maps: dict(enumerate(maps)), "it returns one dict, not a list"),
        (lambda maps: [{"map": level} for level in maps], r"outputs of the shapes \(\), \(\)"),
        (lambda maps: maps[0], "it returns one .*Tensor, not a list"),
    ],
    ids=["dict", "dicts", "tensor"],
)
def test_own_model_that_returns_anything_but_a_list_of_maps_is_refused(create, outputs, message):
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="mine")
            self.inner = own(4, 8, 16, 32)

        def call(self, pixels):
            return outputs(self.inner(pixels))

    with pytest.raises(KerassegError, match=rf"the model 'mine' cannot be .*{message}"):
        create(Own())


def test_weights_file_beside_an_own_model_is_refused():
    with pytest.raises(KerassegError, match=r"'w\.h5' is for backbones given by name"):
        dilated.create(own(4, 8, 8, 8), weights="w.h5")
