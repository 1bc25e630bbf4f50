import keras
import numpy as np
import pytest

import kerasseg
from kerasseg.errors import KerassegError
from kerasseg.serving.slimming import all_layers, precision_of, slim
from tests.calibration import calibrate
from tests.models.model_case import random_images
from tests.tiny import tiny_backbone

layers = keras.layers


def settled(x, y):
    """Returns a model with batch norms whose numbers are not those that they begin with."""
    model = keras.Model(x, y)
    draw = np.random.default_rng(0)
    for layer in all_layers(model):
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([draw.uniform(0.5, 2, w.shape) for w in layer.get_weights()])
    return model


def norms(model):
    return [each for each in all_layers(model) if isinstance(each, layers.BatchNormalization)]


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize(
    "conv",
    [
        lambda **more: layers.Conv2D(6, 3, groups=3, **more),
        lambda **more: layers.DepthwiseConv2D(3, depth_multiplier=2, **more),
        lambda **more: layers.SeparableConv2D(6, 3, **more),
        lambda **more: layers.Conv2DTranspose(6, 3, strides=2, **more),
    ],
    ids=["conv", "depthwise", "separable", "transposed"],
)
def test_batch_norm_goes_into_the_conv_before_it(conv, use_bias):
    x = keras.Input((None, None, 3))
    y = layers.BatchNormalization(name="bn")(conv(use_bias=use_bias)(x))
    model = settled(x, y)
    found = slim(model)
    assert (found.folded, found.not_folded) == (("bn",), ())
    assert norms(found.model) == []
    images = random_images(2, 9, 11)
    np.testing.assert_allclose(found.model(images), model(images), rtol=1e-4, atol=1e-3)


def test_what_has_other_uses_is_left_and_named():
    x = keras.Input((None, None, 3))
    seen_twice, shared = layers.Conv2D(3, 1)(x), layers.Conv2D(3, 1)
    parts = [
        layers.BatchNormalization(name="of_twice")(seen_twice) + seen_twice,
        layers.BatchNormalization(name="of_shared")(shared(x)) + shared(seen_twice),
        layers.BatchNormalization(name="of_relu")(layers.Conv2D(3, 1, activation="relu")(x)),
        layers.BatchNormalization(name="of_input")(x),
        layers.BatchNormalization(name="folded")(layers.Conv2D(3, 1)(x)),
    ]
    model = settled(x, layers.Add()(parts))
    found = slim(model)
    assert found.folded == ("folded",)
    assert set(found.not_folded) == {"of_twice", "of_shared", "of_relu", "of_input"}
    images = random_images(2, 9, 11)
    np.testing.assert_allclose(found.model(images), model(images), rtol=1e-4, atol=1e-3)


def test_without_folding_every_batch_norm_is_left():
    x = keras.Input((None, None, 3))
    found = slim(
        settled(x, layers.BatchNormalization(name="bn")(layers.Conv2D(3, 1)(x))), fold=False
    )
    assert (found.folded, found.not_folded) == ((), ("bn",))


@pytest.fixture(scope="module")
def network():
    with tiny_backbone():
        model = kerasseg.EfficientFCN(
            *("tiny", 5),
            backbone_weights=None,
            num_codewords=4,
            fusion_filters=8,
            codeword_filters=8,
            dropout=0.3,
        )
        calibrate(model, random_images(2, 64, 64))
    return model


def test_a_whole_network_is_slimmed_and_the_original_left_alone(network):
    before = [np.copy(weight) for weight in network.get_weights()]
    found = slim(network)
    assert len(found.folded) == len(norms(network)) > 5
    assert not any("ropout" in type(layer).__name__ for layer in all_layers(found.model))
    assert found.model.layers[-1].name == "logits"
    images = random_images(1, 65, 97)
    expected = network(images).numpy()
    np.testing.assert_allclose(found.model(images), expected, atol=1e-3 * np.abs(expected).max())
    for weight, kept in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_precision_is_that_of_a_network_built_in_it(network, precision):
    found = slim(network, fold=False, precision=precision).model
    keras.mixed_precision.set_global_policy(f"mixed_{precision}")
    try:
        with tiny_backbone():
            built = kerasseg.EfficientFCN(
                *("tiny", 5),
                backbone_weights=None,
                num_codewords=4,
                fusion_filters=8,
                codeword_filters=8,
                dropout=0,
            )
    finally:
        keras.mixed_precision.set_global_policy("float32")
    dtypes = [
        {
            layer.name: layer.compute_dtype
            for layer in all_layers(model)
            if layer.weights and not isinstance(layer, keras.Model)
        }
        for model in (found, built)
    ]
    assert dtypes[0] == dtypes[1]
    assert (precision_of(found), precision_of(network)) == (precision, "float32")
    assert found(random_images(1, 64, 64)).dtype == "float32"


def test_a_network_of_16_bits_can_be_served_in_32(network):
    back = slim(slim(network, precision="bfloat16").model, precision="float32").model
    images = random_images(1, 64, 64)
    expected = network(images).numpy()
    np.testing.assert_allclose(back(images), expected, atol=1e-3 * np.abs(expected).max())
    assert precision_of(back) == "float32"


def test_an_unknown_precision_is_named(network):
    with pytest.raises(
        KerassegError, match="unknown precision 'bfloat61': did you mean 'bfloat16'"
    ):
        slim(network, precision="bfloat61")
