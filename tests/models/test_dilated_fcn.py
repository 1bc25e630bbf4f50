import keras
import numpy as np
import pytest

from kerasseg import DilatedFCN, EfficientFCN, dilated_fcn_decoder
from kerasseg.errors import KerassegError
from kerasseg.layers import PixelNormalization
from kerasseg.macs import count_macs
from tests.layers.numpy_statements import conv, normal, relu
from tests.models.decoders import RESNET_CHANNELS, pyramid, random_features, small_decoder
from tests.models.model_case import BACKBONE, ModelCase, random_images

OPTIONS = {"head_filters": 16}


def dilated_backbone() -> keras.Model:
    """Returns maps at strides 4, 8, 8 and 8, the last two of dilated convs."""
    pixels = keras.Input((None, None, 3))
    x = PixelNormalization((127.5,) * 3, (127.5,) * 3, name="normalization")(pixels)
    maps = []
    for channels, stride, dilation in ((4, 4, 1), (6, 2, 1), (8, 1, 2), (10, 1, 4)):
        conv = keras.layers.Conv2D(
            channels, 5, stride, "same", dilation_rate=dilation, activation="relu"
        )
        x = conv(x)
        maps.append(x)
    return keras.Model(pixels, maps, name=BACKBONE)


def over_a_small_backbone(backbone, num_classes, **options):
    """Builds what the shared case asks for; its backbone cannot be dilated."""
    assert backbone == BACKBONE
    return DilatedFCN(dilated_backbone(), num_classes, **options)


class TestDilatedFCN(ModelCase):
    architecture = over_a_small_backbone
    options = OPTIONS


@pytest.fixture(scope="module")
def resnet():
    return DilatedFCN("resnet50", 5, backbone_weights=None, **OPTIONS)


@pytest.mark.parametrize("size", [(33, 47), (16, 70)])
def test_over_a_resnet_logits_have_the_size_of_the_image(resnet, size):
    assert resnet(random_images(2, *size)).shape == (2, *size, 5)


@pytest.mark.slow
def test_over_a_resnet_the_saved_model_gives_exactly_the_same(resnet, tmp_path):
    resnet.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    images = random_images(1, 33, 47)
    assert np.array_equal(reloaded(images), resnet(images))
    assert [level.shape[-1] for level in reloaded.get_layer("resnet50").outputs] == list(
        RESNET_CHANNELS
    )


def test_multiply_adds_over_a_resnet(resnet):
    # Those of the plain network, whose last two stages now see 4 and 16 times the positions.
    assert count_macs(resnet, (512, 512)) == 100_474_880_000


def test_logits_of_the_decoders_own_stride():
    model = DilatedFCN(dilated_backbone(), 5, upsample=False, **OPTIONS)
    assert model(random_images(1, 64, 96)).shape == (1, 8, 12, 5)


def test_parameter_count_of_the_head():
    features = pyramid(RESNET_CHANNELS)
    model = keras.Model(features, dilated_fcn_decoder(features, 59))
    trained = sum(np.prod(weight.shape) for weight in model.trainable_weights)
    assert trained == 9 * 2048 * 512 + 2 * 512 + 512 * 59 + 59


def test_head_reads_the_last_map_alone():
    features = pyramid((4, 5, 6, 7))
    model = keras.Model(features, dilated_fcn_decoder(features, 5, **OPTIONS))
    assert model.get_layer("head").input is features[3]
    kinds = [type(layer).__name__ for layer in model.layers]
    assert [kind for kind in kinds if kind != "InputLayer"] == [
        "Conv2D",
        "BatchNormalization",
        "ReLU",
        "Dropout",
        "Conv2D",
    ]


def test_head_equals_its_formula():
    model = small_decoder(dilated_fcn_decoder, head_filters=7)
    features = random_features(model, batch=2)
    norm = model.get_layer("head_bn")
    norm.set_weights([normal(seed, 7) ** 2 + 0.1 for seed in range(4)])
    gamma, beta, mean, variance = (weight.numpy() for weight in norm.weights)
    x = conv(features[3], model.get_layer("head").kernel.numpy())
    x = relu(gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta)
    expected = conv(x, *model.get_layer("classifier").get_weights())
    np.testing.assert_allclose(model(features), expected, atol=1e-4)


@pytest.mark.slow
def test_efficientfcn_needs_27_percent_of_its_multiply_adds():
    # 28 % where a ResNet strides on the 3x3 conv of a block instead of the first 1x1 conv.
    dilated, efficient = (
        builder("resnet101", 59, backbone_weights=None) for builder in (DilatedFCN, EfficientFCN)
    )
    macs = [count_macs(model, (512, 512)) for model in (dilated, efficient)]
    assert macs == [215_622_877_184, 58_627_981_312]
    assert round(macs[1] / macs[0], 2) == 0.27
    head = macs[1] - count_macs(efficient.get_layer("resnet101"), (512, 512))
    assert round(head / 1e9, 1) == 19.1


@pytest.mark.parametrize("bad", [{"num_classes": 0}, {"head_filters": 0}, {"head_filters": 1.5}])
def test_counts(bad):
    (argument, value), *_ = bad.items()
    message = f"{argument} is a whole number of at least 1; received {value}"
    with pytest.raises(KerassegError, match=message):
        DilatedFCN(**bad)


def test_dropout_rate():
    with pytest.raises(KerassegError, match="dropout is a rate"):
        DilatedFCN(dropout=1)


def test_backbone_that_cannot_be_dilated():
    with pytest.raises(KerassegError, match="DilatedFCN has no backbone 'mobilenetv2'; it takes"):
        DilatedFCN("mobilenetv2", 5, backbone_weights=None)


def test_backbone_that_is_mistyped():
    with pytest.raises(KerassegError) as error:
        DilatedFCN("resnet11", 5, backbone_weights=None)
    assert str(error.value) == (
        "unknown backbone of DilatedFCN 'resnet11': did you mean 'resnet101'? Accepted: "
        "resnet101, resnet152, resnet50."
    )
