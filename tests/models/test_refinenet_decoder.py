"""The properties of RefineNet's decoder, over feature maps alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import refinenet_decoder
from kerasseg.errors import KerassegError
from kerasseg.layers import ChainedResidualPooling, MultiResolutionFusion, ResidualConvUnit
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
SMALL = {"filters": 8, "coarse_filters": 12}
# Each variant's arguments, its scales, and the operations in its graph: two ReLUs and two convs a
# residual unit, one ReLU a chain.
VARIANTS = {
    "four blocks": ({}, 1, {"Relu": 44, "MaxPool": 8, "Conv2D": 59}),
    "two blocks": ({"cascade": 2}, 1, {"Relu": 30, "MaxPool": 4, "Conv2D": 42}),
    "one block": ({"cascade": 1}, 1, {"Relu": 23, "MaxPool": 2, "Conv2D": 33}),
    "two scales": ({}, 2, {"Relu": 60, "MaxPool": 8, "Conv2D": 84}),
    "improved pooling": (
        {"pooling_order": "conv_pool", "pooling_blocks": 4},
        1,
        {"Relu": 44, "MaxPool": 16, "Conv2D": 67},
    ),
}


@pytest.fixture(scope="module")
def decoder() -> keras.Model:
    return small_decoder(refinenet_decoder, **SMALL)


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request) -> tuple[keras.Model, dict[str, int]]:
    """A decoder, and the operations that it holds."""
    options, num_scales, operations = VARIANTS[request.param]
    decoder = small_decoder(refinenet_decoder, num_scales=num_scales, **SMALL, **options)
    return decoder, operations


@pytest.mark.parametrize(("pooling_blocks", "parameters"), [(4, 75_552_277), (2, 67_294_741)])
def test_parameter_count(pooling_blocks, parameters):
    features = pyramid(RESNET_CHANNELS)
    logits = refinenet_decoder(features, 21, pooling_blocks=pooling_blocks)
    assert keras.Model(features, logits).count_params() == parameters


def test_gradients_reach_every_feature_map_and_weight(variant):
    decoder, _ = variant
    to_features, to_weights = gradients(decoder, random_features(decoder))
    assert len(to_features) in (4, 8)
    assert all(map(is_nonzero, to_features))
    assert [path for path, gradient in to_weights.items() if not is_nonzero(gradient)] == []


@pytest.mark.parametrize("stride", STRIDES)
def test_the_output_of_each_pooling_chain_is_used(decoder, stride):
    _, to_weights = gradients(decoder, random_features(decoder))
    chain = [path for path in to_weights if path.startswith(f"stride{stride}_crp/")]
    assert len(chain) == 2
    assert all(is_nonzero(to_weights[path]) for path in chain)


def test_holds_no_batch_norm_and_one_relu_a_chain(variant):
    decoder, operations = variant
    kinds = [type(layer) for layer in decoder._flatten_layers()]
    assert keras.layers.BatchNormalization not in kinds
    counts = count_operations(decoder, *(tensor.shape[-1] for tensor in decoder.inputs))
    assert counts == operations
    units, chains = (kinds.count(kind) for kind in (ResidualConvUnit, ChainedResidualPooling))
    assert counts["Relu"] == 2 * units + chains


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


def fused(decoder: keras.Model) -> dict[str, list[str]]:
    """Returns the names of the layers that each fusion block takes its paths from."""
    fusions = [layer for layer in decoder.layers if isinstance(layer, MultiResolutionFusion)]
    return {
        fusion.name: [tensor._keras_history.operation.name for tensor in fusion.input]
        for fusion in fusions
    }


def test_two_blocks_take_two_strides_each():
    assert fused(small_decoder(refinenet_decoder, cascade=2, **SMALL)) == {
        "stride16_fuse": ["stride16_path_rcu2", "stride32_path_rcu2"],
        "stride4_fuse": ["stride4_path_rcu2", "stride8_path_rcu2", "stride16_out_rcu3"],
    }


def test_one_block_takes_all_four_strides():
    assert fused(small_decoder(refinenet_decoder, cascade=1, **SMALL)) == {
        "stride4_fuse": [f"stride{stride}_path_rcu2" for stride in (4, 8, 16, 32)]
    }


def test_every_block_takes_the_paths_of_both_scales():
    assert fused(small_decoder(refinenet_decoder, num_scales=2, **SMALL)) == {
        f"stride{stride}_fuse": [
            f"stride{stride}_path_rcu2",
            f"stride{stride}_scale2_path_rcu2",
            *([f"stride{2 * stride}_out_rcu3"] if stride < 32 else []),
        ]
        for stride in STRIDES
    }


@pytest.mark.parametrize("cascade", [4, 2, 1])
def test_the_coarsest_path_alone_has_the_coarse_width(cascade):
    decoder = small_decoder(refinenet_decoder, cascade=cascade, **SMALL)
    widths = {stride: decoder.get_layer(f"stride{stride}_reduce").filters for stride in STRIDES}
    assert widths == {32: 12, 16: 8, 8: 8, 4: 8}
    assert decoder.get_layer("stride4_out_rcu3").filters == 8


def test_pooling_order_is_that_of_every_chain():
    decoder = small_decoder(refinenet_decoder, pooling_order="conv_pool", **SMALL)
    chains = [one for one in decoder.layers if isinstance(one, ChainedResidualPooling)]
    assert [chain.pooling_order for chain in chains] == ["conv_pool"] * 4


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
    model = small_decoder(refinenet_decoder, dropout=0.0, **SMALL)
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


@pytest.mark.parametrize("cascade", [3, 0, "4", None, [4]])
def test_another_number_of_blocks_is_an_error(cascade):
    with pytest.raises(KerassegError, match="cascade is 4, 2 or 1 refinement blocks; received"):
        refinenet_decoder(pyramid((4, 4, 4, 4)), 5, cascade=cascade)


def test_another_pooling_order_is_an_error():
    with pytest.raises(KerassegError, match="'conv_pol': did you mean 'conv_pool'"):
        refinenet_decoder(pyramid((4, 4, 4, 4)), 5, pooling_order="conv_pol")


@pytest.mark.parametrize("count", [0, 3, 6])
def test_features_that_are_not_four_a_scale_are_an_error(count):
    features = (pyramid((4, 4, 4, 4)) * 2)[:count]
    with pytest.raises(KerassegError, match=rf"or four a scale; received {count}: "):
        refinenet_decoder(features, 5)
