"""Light-Weight RefineNet: the shared case, and the properties of its decoder."""

import keras
import numpy as np
import pytest

from kerasseg import LightWeightRefineNet, light_weight_refinenet_decoder
from tests.layers.graphs import count_operations
from tests.layers.numpy_statements import conv, max_pool, relu, resize
from tests.models.decoders import (
    RESNET_CHANNELS,
    gradients,
    is_nonzero,
    pyramid,
    random_features,
    small_decoder,
)
from tests.models.model_case import ModelCase

OPTIONS = {"filters": 24, "coarse_filters": 32}


class TestLightWeightRefineNet(ModelCase):
    architecture = LightWeightRefineNet
    options = OPTIONS


@pytest.fixture(scope="module")
def decoder() -> keras.Model:
    return small_decoder(light_weight_refinenet_decoder, filters=8, coarse_filters=12)


def test_parameter_count():
    features = pyramid(RESNET_CHANNELS)
    logits = light_weight_refinenet_decoder(features, 21)
    assert keras.Model(features, logits).count_params() == 3_849_493


def test_equals_a_plain_statement_of_it():
    model = small_decoder(
        light_weight_refinenet_decoder, filters=8, coarse_filters=12, align_corners=True
    )
    features = random_features(model)
    np.testing.assert_allclose(model(features), _plain(model, features), atol=1e-4)


def _plain(model: keras.Model, features: list[np.ndarray]) -> np.ndarray:
    """Each block in NumPy: 1x1 convs on both paths, the coarser resized, ReLU, chain of pools."""

    def kernels(name: str) -> list[np.ndarray]:
        return [weight.numpy() for weight in model.get_layer(name).weights]

    x = None
    for feature, stride in zip(features[::-1], (32, 16, 8, 4), strict=True):
        path = conv(feature, *kernels(f"stride{stride}_reduce"))
        if x is not None:
            for_path, for_coarser = kernels(f"stride{stride}_fuse")
            coarser = resize(conv(x, for_coarser), path.shape[1:3], align_corners=True)
            path = conv(path, for_path) + coarser
        step = x = relu(path)
        chain = kernels(f"stride{stride}_crp")
        assert len(chain) == 4
        for kernel in chain:
            step = conv(max_pool(step), kernel)
            x = x + step
    return conv(x, *kernels("classifier"))


def test_only_the_classifier_is_3x3():
    model = small_decoder(light_weight_refinenet_decoder, filters=8, coarse_filters=12)
    sides = {weight.path: weight.shape[0] for weight in model.weights if "kernel" in weight.path}
    assert sides.pop("classifier/kernel") == 3
    assert len(sides) == 4 + 6 + 16
    assert set(sides.values()) == {1}


def test_holds_one_relu_a_chain_and_no_batch_norm_or_residual_unit(decoder):
    counts = count_operations(decoder, *(tensor.shape[-1] for tensor in decoder.inputs))
    assert counts == {"Relu": 4, "MaxPool": 16, "Conv2D": 27}


def test_gradients_reach_every_feature_map_and_weight(decoder):
    to_features, to_weights = gradients(decoder, random_features(decoder))
    assert [is_nonzero(gradient) for gradient in to_features] == [True] * 4
    assert [path for path, gradient in to_weights.items() if not is_nonzero(gradient)] == []


def test_dropout_is_on_the_two_coarser_features_alone(decoder):
    dropouts = [layer for layer in decoder.layers if isinstance(layer, keras.layers.Dropout)]
    assert {layer.input.shape for layer in dropouts} == {(None, 7, 11, 10), (None, 4, 6, 12)}
    assert {layer.rate for layer in dropouts} == {0.5}


def test_a_wider_fine_path_than_the_coarse_one_is_allowed():
    features = pyramid((4, 5, 6, 7))
    logits = light_weight_refinenet_decoder(features, 3, filters=8, coarse_filters=4)
    assert logits.shape == (None, 25, 41, 3)
