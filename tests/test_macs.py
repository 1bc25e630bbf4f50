"""`count_macs`, by hand on single layers and by the published tables on whole networks."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import (
    LightWeightRefineNet,
    RefineNet,
    backbones,
    count_macs,
    efficientfcn_decoder,
    light_weight_refinenet_decoder,
    refinenet_decoder,
)
from kerasseg.errors import KerassegError
from kerasseg.layers import (
    ChainedResidualPooling,
    CodebookGeneration,
    CodewordAssembly,
    MultiResolutionFusion,
    ResidualConvUnit,
    ResizeTo,
)

layers = keras.layers
FULL = (512, 512)
# The decoders for 21 classes, with four pooling blocks.
REFINENET, LIGHT_WEIGHT = 222_151_311_360, 10_624_172_032


def macs(*chain: keras.layers.Layer, size: tuple[int, int] = (10, 9), channels: int = 4) -> int:
    """Returns the count of a chain of layers over an image."""
    x = image = keras.Input((None, None, channels))
    for layer in chain:
        x = layer(x)
    return count_macs(keras.Model(image, x), size)


# One layer, counted by hand


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.Conv2D(6, 3, padding="same"), 10 * 9 * 3 * 3 * 4 * 6),
        (layers.Conv2D(6, 3), 8 * 7 * 3 * 3 * 4 * 6),
        (layers.Conv2D(6, (1, 5), strides=2, padding="same"), 5 * 5 * 5 * 4 * 6),
        (layers.Conv2D(6, 3, groups=2, padding="same"), 10 * 9 * 3 * 3 * 2 * 6),
        (layers.Conv2D(6, 3, dilation_rate=2, padding="same"), 10 * 9 * 3 * 3 * 4 * 6),
        (layers.Conv2D(6, 3, dilation_rate=4, padding="same"), 10 * 9 * 3 * 3 * 4 * 6),
        (layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), 10 * 9 * 3 * 3 * 4 * 2),
        (layers.SeparableConv2D(6, 3, padding="same"), 10 * 9 * (3 * 3 * 4 + 4 * 6)),
        (layers.Conv2DTranspose(6, 3, strides=2, padding="same"), 10 * 9 * 3 * 3 * 4 * 6),
        (layers.Dense(6), 10 * 9 * 4 * 6),
        (layers.EinsumDense("nhwc,cd->nhwd", (None, None, 6)), 10 * 9 * 4 * 6),
        (ResidualConvUnit(4), 2 * 10 * 9 * 3 * 3 * 4 * 4),
        (ResidualConvUnit(4, rematerialize=True), 2 * 10 * 9 * 3 * 3 * 4 * 4),
        (ChainedResidualPooling(4, 3, kernel_size=1), 3 * 10 * 9 * 4 * 4),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_multiplying_layer(layer, expected):
    assert macs(layer) == expected


@pytest.mark.parametrize(
    "layer",
    [
        layers.BatchNormalization(),
        layers.Activation("softmax"),
        layers.AveragePooling2D(3, padding="same"),
        layers.MaxPooling2D(3),
        layers.GlobalAveragePooling2D(keepdims=True),
        layers.UpSampling2D(2),
        layers.ZeroPadding2D(2),
        layers.Rescaling(1 / 255),
        layers.Dropout(0.5),
    ],
    ids=lambda layer: layer.name,
)
def test_free_layer(layer):
    x = image = keras.Input((10, 9, 4))
    assert count_macs(keras.Model(image, layer(x)), (10, 9)) == 0


@pytest.mark.parametrize("align_corners", [False, True])
def test_a_resize_is_free_however_it_is_computed(align_corners):
    image = keras.Input((None, None, 4))
    coarse = layers.Conv2D(4, 1, strides=2)(image)
    resized = ResizeTo(align_corners)(coarse, image)
    fused = MultiResolutionFusion(1, align_corners)([image, coarse])
    model = keras.Model(image, [resized, fused])
    assert count_macs(model, (10, 8)) == 5 * 4 * 16 + (10 * 8 + 5 * 4) * 16


def test_products_of_the_codebook():
    base, weighting = keras.Input((None, None, 6)), keras.Input((None, None, 5))
    codebook = CodebookGeneration()(base, weighting)
    decode = keras.Model([base, weighting], CodewordAssembly()(codebook, weighting))
    image = keras.Input((None, None, 6))
    five = layers.Conv2D(5, 1)(image)
    assert count_macs(keras.Model(image, decode([image, five])), (10, 9)) == 10 * 9 * (30 + 30 + 30)


def test_a_layer_used_twice_counts_twice():
    conv = layers.Conv2D(4, 1)
    assert macs(conv, conv) == 2 * macs(layers.Conv2D(4, 1))
    assert len(conv.weights) == 2


def test_nested_models_are_counted():
    inner = keras.Sequential([layers.Conv2D(4, 1), layers.Conv2D(6, 1)])
    assert macs(inner, layers.Conv2D(2, 1)) == 10 * 9 * (4 * 4 + 4 * 6 + 6 * 2)


def test_counting_leaves_the_model_as_it_was():
    image = keras.Input((None, None, 3))
    model = keras.Model(image, layers.Conv2D(4, 3)(layers.Dropout(0.5)(image)))
    outputs, weights = model.layers[-1].output, model.get_weights()
    count_macs(model, (8, 8))
    assert model.layers[-1].output is outputs  # an error if it had been called a second time
    assert all(map(np.array_equal, model.get_weights(), weights))


# What cannot be counted


class Inverse(keras.layers.Layer):
    def call(self, x):
        return tf.linalg.inv(x)


class Repeated(keras.layers.Layer):
    def call(self, x):
        return tf.while_loop(lambda y: tf.reduce_sum(y) > 0, lambda y: tf.matmul(y, y), [x])[0]


class Halving(keras.layers.Layer):
    def call(self, x):
        return tf.while_loop(lambda y: tf.reduce_sum(y) > 9, lambda y: y / 2, [x])[0]


class Selection(keras.layers.Layer):
    def call(self, x):
        return tf.boolean_mask(x, tf.reduce_sum(x, (1, 2, 3)) > 0)[:, :, :, :4]


def test_an_operation_without_a_formula_is_an_error():
    with pytest.raises(KerassegError, match=r"no formula for .*inverse.*MatrixInverse"):
        macs(Inverse(name="inverse"), size=(4, 4))


def test_a_product_in_a_loop_is_an_error_and_a_loop_alone_is_not():
    with pytest.raises(KerassegError, match="multiplies in a loop or branch"):
        macs(Repeated(), size=(4, 4))
    assert macs(Halving()) == 0


def test_an_unknown_size_is_an_error():
    with pytest.raises(KerassegError, match="does not follow from the image's size"):
        macs(Selection(), layers.Conv2D(4, 1))


def test_several_inputs_are_an_error():
    one, two = keras.Input((None, None, 3)), keras.Input((None, None, 3))
    with pytest.raises(KerassegError, match=r"a model of one image .*'sum' takes inputs"):
        count_macs(keras.Model([one, two], layers.Add()([one, two]), name="sum"), (8, 8))


def test_another_size_than_the_models_own_is_an_error():
    image = keras.Input((32, None, 3))
    model = keras.Model(image, layers.Conv2D(4, 1)(image), name="fixed")
    assert count_macs(model, (32, 9)) == 32 * 9 * 12
    with pytest.raises(KerassegError, match=r"'fixed' takes images of the shape \(32, None, 3\)"):
        count_macs(model, (33, 9))


# Whole networks


def decoder_macs(decoder, num_classes: int, **options: object) -> int:
    """Returns the count of a decoder over the maps of a ResNet, at 512x512, and nothing else."""
    image = keras.Input((None, None, 256))
    features = [
        layers.Concatenate()([layers.AveragePooling2D(stride, padding="same")(image)] * copies)
        for stride, copies in ((4, 1), (8, 2), (16, 4), (32, 8))
    ]
    return count_macs(keras.Model(image, decoder(features, num_classes, **options)), FULL)


def strides_on_the_3x3(network: keras.Model) -> keras.Model:
    """Returns a ResNet whose stages stride on the 3x3 conv of a block, as the table's do.

    Those of Keras Applications (and of the RefineNet authors) stride on the 1x1 conv before it.
    """

    def moved(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        conv = re.fullmatch(r"conv[345]_block1_([12])_conv", layer.name)
        if conv:
            config["strides"] = int(conv[1])
        return type(layer).from_config(config)

    return keras.models.clone_model(network, clone_function=moved)


def test_decoders_are_those_of_the_table():
    assert decoder_macs(refinenet_decoder, 21, pooling_blocks=4) == REFINENET
    assert decoder_macs(light_weight_refinenet_decoder, 21) == LIGHT_WEIGHT
    assert decoder_macs(efficientfcn_decoder, 59) / 1e9 == pytest.approx(19.1, abs=0.05)


@pytest.mark.parametrize(
    ("name", "refinenet", "light_weight"),
    [
        ("resnet50", 243.5, 32.0),
        pytest.param("resnet101", 262.9, 51.4, marks=pytest.mark.slow),
        pytest.param("resnet152", 282.3, 70.8, marks=pytest.mark.slow),
    ],
)
def test_table_at_512x512(name, refinenet, light_weight):
    backbone = backbones.create(name, weights=None)
    published = count_macs(strides_on_the_3x3(backbone), FULL)
    assert (REFINENET + published) / 1e9 == pytest.approx(refinenet, abs=0.05)
    assert (LIGHT_WEIGHT + published) / 1e9 == pytest.approx(light_weight, abs=0.05)
    # The strides of Keras Applications spare the same in each.
    assert (published - count_macs(backbone, FULL)) / 1e9 == pytest.approx(1.21, abs=0.005)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "backbone", "options", "parameters", "macs"),
    [
        (LightWeightRefineNet, "resnet101", {}, 46_349_653, LIGHT_WEIGHT),
        (RefineNet, "resnet50", {"pooling_blocks": 4}, 23_508_032 + 75_552_277, REFINENET),
    ],
    ids=["LightWeightRefineNet-101", "RefineNet-50"],
)
def test_whole_network_of_the_table(build, backbone, options, parameters, macs):
    model = build(backbone, 21, backbone_weights=None, **options)
    nested = model.get_layer(backbone)
    biases = [one.bias for one in nested.layers if isinstance(one, layers.Conv2D) and one.use_bias]
    trained = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    # Keras Applications has a bias in each conv, although batch norm follows.
    assert trained - sum(int(np.prod(bias.shape)) for bias in biases) == parameters
    assert count_macs(model, FULL) == macs + count_macs(nested, FULL)
