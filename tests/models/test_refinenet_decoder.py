"""The properties of RefineNet's decoder, over feature maps alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import refinenet_decoder
from tests.layers.graphs import count_operations
from tests.models.decoders import (
    RESNET_CHANNELS,
    gradients,
    is_nonzero,
    pyramid,
    random_features,
    small_decoder,
)

STRIDES = (32, 16, 8, 4)


@pytest.fixture(scope="module")
def decoder() -> keras.Model:
    return small_decoder(refinenet_decoder, filters=8, coarse_filters=12)


@pytest.mark.parametrize(("pooling_blocks", "parameters"), [(4, 75_552_277), (2, 67_294_741)])
def test_parameter_count(pooling_blocks, parameters):
    features = pyramid(RESNET_CHANNELS)
    logits = refinenet_decoder(features, 21, pooling_blocks=pooling_blocks)
    assert keras.Model(features, logits).count_params() == parameters


def test_gradients_reach_all_four_feature_maps(decoder):
    to_features, _ = gradients(decoder, random_features(decoder))
    assert [is_nonzero(gradient) for gradient in to_features] == [True] * 4


def test_gradients_reach_every_weight(decoder):
    _, to_weights = gradients(decoder, random_features(decoder))
    assert [path for path, gradient in to_weights.items() if not is_nonzero(gradient)] == []


@pytest.mark.parametrize("stride", STRIDES)
def test_the_output_of_each_pooling_chain_is_used(decoder, stride):
    _, to_weights = gradients(decoder, random_features(decoder))
    chain = [path for path in to_weights if path.startswith(f"stride{stride}_crp/")]
    assert len(chain) == 2
    assert all(is_nonzero(to_weights[path]) for path in chain)


def test_holds_no_batch_norm(decoder):
    kinds = {type(layer) for layer in decoder._flatten_layers()}
    assert keras.layers.BatchNormalization not in kinds
    # 5 units of two ReLUs and a chain of one at each of the four strides.
    counts = count_operations(decoder, *(tensor.shape[-1] for tensor in decoder.inputs))
    assert counts == {"Relu": 44, "MaxPool": 8, "Conv2D": 59}


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("reduce", "path_rcu1"),
        ("path_rcu1", "path_rcu2"),
        ("crp", "out_rcu1"),
        ("out_rcu1", "out_rcu2"),
        ("out_rcu2", "out_rcu3"),
    ],
)
def test_units_are_chained_and_not_parallel(decoder, stride, before, after):
    first, second = (decoder.get_layer(f"stride{stride}_{part}") for part in (before, after))
    assert second.input is first.output


@pytest.mark.parametrize(("finer", "coarser"), [(16, 32), (8, 16), (4, 8)])
def test_blocks_are_cascaded(decoder, finer, coarser):
    path = decoder.get_layer(f"stride{finer}_path_rcu2").output
    coarse = decoder.get_layer(f"stride{coarser}_out_rcu3").output
    assert decoder.get_layer(f"stride{finer}_fuse").input == [path, coarse]


def test_dropout_is_on_the_two_coarser_features_and_before_the_classifier(decoder):
    dropouts = [layer for layer in decoder.layers if isinstance(layer, keras.layers.Dropout)]
    assert [layer.rate for layer in dropouts] == [0.5] * 3
    assert {layer.input.shape for layer in dropouts} == {
        (None, 7, 11, 10),
        (None, 4, 6, 12),
        (None, 25, 41, 8),
    }
    assert decoder.get_layer("classifier").input in [layer.output for layer in dropouts]


def test_without_dropout_training_and_inference_are_the_same():
    model = small_decoder(refinenet_decoder, filters=8, coarse_filters=12, dropout=0.0)
    features = random_features(model)
    assert np.array_equal(model(features, training=True), model(features, training=False))


def test_with_silent_residuals_and_pools_the_path_is_clean(decoder):
    """What the paper argues for: short-cuts alone carry the features to the classifier."""
    model = keras.models.clone_model(decoder)
    for weight in model.weights:
        if "rcu" in weight.path or "crp" in weight.path:
            weight.assign(tf.zeros_like(weight))
    features = random_features(model)
    reduced = keras.Model(model.inputs, model.get_layer("stride32_reduce").output)
    ended = keras.Model(model.inputs, model.get_layer("stride32_out_rcu3").output)
    assert np.array_equal(ended(features), tf.nn.relu(reduced(features)))


def test_logits_are_float32_at_stride_4():
    keras.config.set_dtype_policy("mixed_bfloat16")
    features = pyramid((4, 4, 4, 4))
    logits = refinenet_decoder(features, 7, filters=4, coarse_filters=4)
    assert (logits.shape, logits.dtype) == ((None, 25, 41, 7), "float32")


def test_symbolic_sizes_may_be_unknown():
    features = [keras.Input((None, None, channels)) for channels in (4, 5, 6, 7)]
    model = keras.Model(features, refinenet_decoder(features, 3, filters=4, coarse_filters=4))
    assert model.output_shape == (None, None, None, 3)
    # Floor in place of ceil, as some backbones have it.
    sizes = ((24, 40), (12, 20), (6, 10), (3, 5))
    maps = [np.ones((1, *size, 4 + level)) for level, size in enumerate(sizes)]
    assert model(maps).shape == (1, 24, 40, 3)
