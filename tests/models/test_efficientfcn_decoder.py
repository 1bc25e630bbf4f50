"""The properties of EfficientFCN's decoder, over feature maps alone."""

import keras
import numpy as np
import pytest

from kerasseg import efficientfcn_decoder
from tests.layers.numpy_statements import conv, relu, resize
from tests.models.decoders import (
    RESNET_CHANNELS,
    gradients,
    is_nonzero,
    pyramid,
    random_features,
    small_decoder,
)

SMALL = {"num_codewords": 7, "fusion_filters": 9, "codeword_filters": 11}
VARIANTS = ("release", "paper")


@pytest.fixture(scope="module", params=VARIANTS)
def decoder(request) -> keras.Model:
    return small_decoder(efficientfcn_decoder, variant=request.param, **SMALL)


@pytest.mark.parametrize(
    ("num_codewords", "num_classes", "parameters"),
    [(256, 59, 7_672_891), (256, 150, 7_766_166), (600, 150, 9_238_486)],
)
def test_parameter_count_of_the_release(num_codewords, num_classes, parameters):
    features = pyramid(RESNET_CHANNELS)
    logits = efficientfcn_decoder(features, num_classes, num_codewords=num_codewords)
    model = keras.Model(features, logits)
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == parameters


@pytest.mark.parametrize("guided", [True, False])
def test_paper_equals_its_text(guided):
    options = {**SMALL, "variant": "paper", "align_corners": True, "guided": guided}
    model = small_decoder(efficientfcn_decoder, **options)
    features = random_features(model, batch=2)
    np.testing.assert_allclose(model(features), _paper(model, features, guided), atol=1e-4)
    assert np.abs(model(features) - _paper(model, features, not guided)).max() > 1e-2


def test_guidance_has_no_weights_of_its_own():
    shapes = [
        {weight.path: tuple(weight.shape) for weight in model.weights}
        for model in (
            small_decoder(efficientfcn_decoder, guided=guided, **SMALL) for guided in (True, False)
        )
    ]
    assert shapes[0] == shapes[1]
    assert "codeword_base/kernel" in shapes[0]


def _paper(model: keras.Model, features: list[np.ndarray], guided: bool) -> np.ndarray:
    """The table's last column in plain NumPy: one 1x1 conv a step, and `W C` without a factor."""

    def conv1x1(x: np.ndarray, name: str) -> np.ndarray:
        return conv(x, *(weight.numpy() for weight in model.get_layer(name).weights))

    def fuse(maps: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
        return np.concatenate([resize(e, size, align_corners=True) for e in maps], -1)

    steps = zip(features[1:], ("compress8", "compress16", "compress32"), strict=True)
    maps = [conv1x1(feature, name) for feature, name in steps]
    m8, m32 = (fuse(maps, e.shape[1:3]) for e in (maps[0], maps[2]))
    base, weighting = conv1x1(m32, "codeword_base"), conv1x1(m32, "weighting")
    probabilities = np.exp(weighting) / np.exp(weighting).sum((1, 2), keepdims=True)
    codebook = np.einsum("nhwk,nhwc->nkc", probabilities, base)
    guidance = conv1x1(m8, "guidance")
    mean = base.mean((1, 2), keepdims=True) if guided else 0
    weights = conv1x1(guidance + mean, "assembly")
    assembled = np.einsum("nhwk,nkc->nhwc", weights, codebook)
    return conv1x1(np.concatenate([assembled, guidance], -1), "classifier")


def test_paper_has_no_batch_norm_relu_or_dropout():
    model = small_decoder(efficientfcn_decoder, variant="paper", **SMALL)
    kinds = {type(layer) for layer in model._flatten_layers()}
    layers = keras.layers
    assert not kinds & {layers.BatchNormalization, layers.ReLU, layers.SpatialDropout2D}


def test_release_batch_norms_have_the_papers_constants():
    model = small_decoder(efficientfcn_decoder, **SMALL)
    norms = [one for one in model.layers if isinstance(one, keras.layers.BatchNormalization)]
    # compress8, 16 and 32, base, weighting twice, guidance, assembly twice, fuse
    assert len(norms) == 10
    assert {(norm.epsilon, norm.momentum) for norm in norms} == {(1e-5, 0.9)}


def test_release_assembly_weights_are_never_negative_and_weighting_may_be():
    model = small_decoder(efficientfcn_decoder, **SMALL)
    assemble, codebook = model.get_layer("assemble"), model.get_layer("codebook")
    parts = keras.Model(model.inputs, [assemble.input[1], codebook.input[1]])
    weights, weighting = parts(random_features(model))
    assert relu(weights.numpy()).max() > 0
    assert weights.numpy().min() == 0
    assert weighting.numpy().min() < 0


def test_release_keeps_a_stride_8_map_that_fits():
    for channels, kept in ((9, True), (8, False)):
        features = pyramid((4, channels, 5, 6))
        model = keras.Model(features, efficientfcn_decoder(features, 5, **SMALL))
        names = [layer.name for layer in model.layers]
        assert ("compress8" not in names) == kept


def test_paper_compresses_a_stride_8_map_that_fits_as_well():
    features = pyramid((4, SMALL["fusion_filters"], 5, 6))
    model = keras.Model(features, efficientfcn_decoder(features, 5, variant="paper", **SMALL))
    assert model.get_layer("compress8").input is features[1]


def test_gradients_reach_the_three_maps_that_it_uses(decoder):
    to_features, _ = gradients(decoder, random_features(decoder))
    assert [is_nonzero(gradient) for gradient in to_features] == [False, True, True, True]


def test_gradients_reach_every_kernel(decoder):
    # A shift of the weighting maps changes nothing, so its bias alone has no gradient.
    _, to_weights = gradients(decoder, random_features(decoder))
    kernels = [path for path in to_weights if path.endswith("kernel")]
    assert len(kernels) >= 8
    assert [path for path in kernels if not is_nonzero(to_weights[path])] == []


def test_one_corner_of_the_coarsest_map_reaches_the_opposite_corner_of_the_output(decoder):
    features = random_features(decoder)
    before = decoder(features).numpy()
    features[3][0, 0, 0] += 5
    changed = (decoder(features).numpy() != before).any(-1)
    # Beyond what any resize reaches; where a ReLU is silent, single positions may stay.
    assert changed[0, 7:, 11:].mean() > 0.9


@pytest.mark.parametrize("variant", VARIANTS)
def test_codebook_stays_float32_under_mixed_precision(variant):
    keras.config.set_dtype_policy("mixed_float16")
    model = small_decoder(efficientfcn_decoder, variant=variant, **SMALL)
    codebook, classifier = model.get_layer("codebook"), model.get_layer("classifier")
    assert (codebook.compute_dtype, codebook.output.dtype) == ("float32", "float32")
    assert model.get_layer("codeword_base").compute_dtype == "float16"
    assert model.get_layer("assemble").compute_dtype == "float16"
    assert classifier.output.dtype == "float32"


def test_symbolic_sizes_may_be_unknown():
    features = [keras.Input((None, None, channels)) for channels in (4, 5, 6, 7)]
    model = keras.Model(features, efficientfcn_decoder(features, 3, **SMALL))
    assert model.output_shape == (None, None, None, 3)
    sizes = ((24, 40), (12, 20), (6, 10), (3, 5))
    maps = [np.ones((1, *size, 4 + level)) for level, size in enumerate(sizes)]
    assert model(maps).shape == (1, 12, 20, 3)
