"""Backbones that offer their maps as KerasHub's do: a stand-in, and the real ones if installed."""

from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasseg
from kerasseg import backbones
from kerasseg.errors import KerassegError
from tests.backbones.families import assert_same_maps, images

RGB = images(2, 64, 96)
IMAGENET = SimpleNamespace(
    scale=[1 / 58.395, 1 / 57.12, 1 / 57.375], offset=[-2.118, -2.036, -1.804]
)


def stand_in(*levels: tuple[str, int], channels: int = 3) -> keras.Model:
    """Returns a model of one output, with `pyramid_outputs` at the strides that are named."""
    pixels = keras.Input((None, None, channels))
    outputs = {}
    for level, stride in levels:
        pooled = keras.layers.AveragePooling2D(stride, padding="same")(pixels)
        outputs[level] = keras.layers.Conv2D(stride, 1, name=f"conv_{level}")(pooled)
    model = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(pixels), name="hub")
    model.pyramid_outputs = outputs
    return model


@pytest.fixture
def hub() -> keras.Model:
    return stand_in(("P1", 2), ("P2", 4), ("P3", 8), ("P4", 16), ("P5", 32))


@pytest.fixture
def keras_hub():
    return pytest.importorskip(
        "keras_hub", reason="keras-hub is not installed; the stand-in alone is tested"
    )


def test_gives_its_maps_at_strides_4_to_32_under_its_own_name(hub):
    model = backbones.create(hub, image_converter=IMAGENET)
    assert model.name == "hub"
    assert [level.shape for level in model(RGB)] == [
        (2, 64 // stride, 96 // stride, stride) for stride in (4, 8, 16, 32)
    ]


def test_scale_and_offset_of_its_image_converter_become_the_normalization(hub):
    model = backbones.create(hub, image_converter=IMAGENET)
    plain = keras.Model(hub.inputs[0], list(hub.pyramid_outputs.values())[1:])
    converted = RGB * np.float32(IMAGENET.scale) + np.float32(IMAGENET.offset)
    assert_same_maps(model(RGB), plain(converted), tolerance=1e-5)
    assert model.get_layer("conv_P5") is hub.pyramid_outputs["P5"]._keras_history.operation


@pytest.mark.parametrize(
    ("scale", "offset", "expected"),
    [(1 / 255, None, RGB / 255), (None, None, RGB), (None, [-1.0, -2, -3], RGB - [1, 2, 3])],
)
def test_an_image_converter_may_have_one_value_or_none(hub, scale, offset, expected):
    model = backbones.create(hub, image_converter=SimpleNamespace(scale=scale, offset=offset))
    normalized = model.get_layer("normalization")(RGB)
    np.testing.assert_allclose(normalized, expected, rtol=1e-5, atol=1e-4)


def test_normalizes_in_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    hub = stand_in(("P2", 4), ("P3", 8), ("P4", 16), ("P5", 32))
    normalization = backbones.create(hub, image_converter=IMAGENET).get_layer("normalization")
    near = np.stack([np.full((1, 1, 3), value, "float32") for value in (200.7, 201)])
    exact = near * np.float32(IMAGENET.scale) + np.float32(IMAGENET.offset)
    np.testing.assert_array_equal(normalization(near), tf.cast(exact, tf.bfloat16))


def test_without_an_image_converter_a_warning_says_what_is_missing(hub):
    with pytest.warns(UserWarning, match=r"'hub' gets the pixels 0\.\.255 as they are.*converter"):
        model = backbones.create(hub)
    plain = keras.Model(hub.inputs[0], list(hub.pyramid_outputs.values())[1:])
    assert_same_maps(model(RGB), plain(RGB), tolerance=0)
    assert model.get_layer("conv_P5") is hub.pyramid_outputs["P5"]._keras_history.operation


@pytest.mark.parametrize(
    "build",
    [backbones.create, kerasseg.EfficientFCN, partial(kerasseg.RefineNet, filters=4)],
    ids=["create", "EfficientFCN", "RefineNet"],
)
def test_the_warning_names_the_line_of_the_user(hub, build):
    with pytest.warns(UserWarning, match="'hub' gets the pixels") as warned:
        build(hub)
    (warning,) = (one for one in warned if "'hub'" in str(one.message))
    assert warning.filename == __file__


def test_maps_are_found_by_their_size_whatever_they_are_called():
    hub = stand_in(("P1", 4), ("P2", 8), ("P3", 16), ("P4", 32))
    model = backbones.create(hub, image_converter=IMAGENET)
    assert [level.shape[-1] for level in model.outputs] == [4, 8, 16, 32]


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([("P2", 4), ("P3", 8), ("P4", 16)], "stride 32: .* are P2 at 4, P3 at 8, P4 at 16"),
        ([("P3", 8), ("P4", 16), ("P5", 16)], "stride 4, 32: .* P4 at 16, P5 at 16"),
        ([], "stride 4, 8, 16, 32: its pyramid_outputs are empty"),
    ],
)
def test_missing_strides_are_named(levels, message):
    with pytest.raises(KerassegError, match=f"the backbone 'hub' has no map at {message}"):
        backbones.create(stand_in(*levels), image_converter=IMAGENET)


def test_takes_other_channels_than_three():
    hub = stand_in(("P2", 4), ("P3", 8), ("P4", 16), ("P5", 32), channels=4)
    converter = SimpleNamespace(scale=1 / 255, offset=None)
    model = backbones.create(hub, (None, None, 4), image_converter=converter)
    assert model(images(1, 64, 64, channels=4))[0].shape == (1, 16, 16, 4)
    with pytest.raises(KerassegError, match=r"'hub' takes images of 4 channels.*names 3"):
        backbones.create(hub, image_converter=converter)


@pytest.mark.parametrize("backbone", ["mobilenet", "own"])
def test_image_converter_is_refused_for_others(backbone, hub):
    if backbone == "own":
        backbone = keras.Model(hub.inputs[0], list(hub.pyramid_outputs.values())[1:], name="own")
    with pytest.raises(KerassegError, match="image_converter is for KerasHub's backbones"):
        backbones.create(backbone, weights=None, image_converter=IMAGENET)


def test_real_resnet_becomes_a_segmentation_model(keras_hub, tmp_path):
    hub = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64, 64, 64],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
    )
    converter = keras_hub.layers.ImageConverter(
        image_size=(224, 224), scale=IMAGENET.scale, offset=IMAGENET.offset
    )
    pyramid = backbones.create(hub, image_converter=converter)
    plain = keras.Model(hub.inputs[0], list(hub.pyramid_outputs.values()))
    converted = RGB * np.float32(IMAGENET.scale) + np.float32(IMAGENET.offset)
    assert_same_maps(pyramid(RGB), plain(converted))
    model = kerasseg.RefineNet(pyramid, 5, filters=8, coarse_filters=8)
    assert model(images(1, 33, 47)).shape == (1, 33, 47, 5)
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(reloaded(RGB), model(RGB))


def test_real_transformer_of_one_size_serves_that_size(keras_hub):
    hub = keras_hub.models.MiTBackbone(
        layerwise_depths=[1, 1, 1, 1],
        num_layers=4,
        layerwise_num_heads=[1, 1, 1, 1],
        layerwise_sr_ratios=[8, 4, 2, 1],
        max_drop_path_rate=0.1,
        layerwise_patch_sizes=[7, 3, 3, 3],
        layerwise_strides=[4, 2, 2, 2],
        image_shape=(64, 64, 3),  # it takes square ones alone
        hidden_dims=[4, 8, 12, 16],
    )
    pyramid = backbones.create(hub, image_converter=IMAGENET)
    assert [level.shape[1:] for level in pyramid(RGB[:, :, :64])] == [
        (16, 16, 4),
        (8, 8, 8),
        (4, 4, 12),
        (2, 2, 16),
    ]


def test_real_efficientnet_has_its_maps_at_the_right_strides(keras_hub):
    hub = keras_hub.models.EfficientNetBackbone(
        stackwise_kernel_sizes=[3, 3, 5, 3, 5, 5, 3],
        stackwise_num_repeats=[1] * 7,
        stackwise_input_filters=[32, 16, 24, 40, 80, 112, 192],
        stackwise_output_filters=[16, 24, 40, 80, 112, 192, 320],
        stackwise_expansion_ratios=[1, 6, 6, 6, 6, 6, 6],
        stackwise_strides=[1, 2, 2, 2, 1, 2, 1],
        stackwise_squeeze_and_excite_ratios=[0.25] * 7,
        stackwise_block_types=["v1"] * 7,
        width_coefficient=1.0,
        depth_coefficient=1.0,
    )
    pyramid = backbones.create(hub, image_converter=IMAGENET)
    assert [level.shape[1] for level in pyramid(RGB)] == [16, 8, 4, 2]
