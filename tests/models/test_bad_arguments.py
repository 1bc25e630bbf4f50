"""What the builders and decoders answer to bad input."""

import keras
import numpy as np
import pytest

from kerasseg import (
    DilatedFCN,
    EfficientFCN,
    LightWeightRefineNet,
    RefineNet,
    dilated_fcn_decoder,
    efficientfcn_decoder,
    light_weight_refinenet_decoder,
    refinenet_decoder,
)
from kerasseg.backbones import dilated
from kerasseg.errors import KerassegError
from kerasseg.models import segmentation_model
from tests.models.decoders import pyramid
from tests.models.model_case import tiny_backbone
from tests.models.test_efficientfcn import OPTIONS as EFFICIENTFCN_OPTIONS
from tests.models.test_refinenet import OPTIONS as REFINENET_OPTIONS

builders = pytest.mark.parametrize(
    "build", [RefineNet, LightWeightRefineNet, EfficientFCN, DilatedFCN]
)
decoders = pytest.mark.parametrize(
    "decode",
    [
        refinenet_decoder,
        light_weight_refinenet_decoder,
        efficientfcn_decoder,
        dilated_fcn_decoder,
    ],
)


@pytest.fixture
def no_backbone(monkeypatch):
    """Says that an argument is refused before a backbone is made, and weights are downloaded."""

    def create(*arguments, **options):
        pytest.fail("a backbone was made before the arguments were looked at")

    monkeypatch.setattr(segmentation_model.backbones, "create", create)
    monkeypatch.setattr(dilated.feature_pyramid, "create", create)


def _message(error: pytest.ExceptionInfo) -> str:
    message = str(error.value)
    assert len(message.splitlines()) <= 2
    return message


@builders
@pytest.mark.parametrize("num_classes", [0, -1, 2.5, "21", True, None])
def test_number_of_classes(no_backbone, build, num_classes):
    with pytest.raises(KerassegError) as error:
        build("mobilenetv2", num_classes)
    assert _message(error) == (
        f"num_classes is a whole number of at least 1; received {num_classes!r}."
    )


@pytest.mark.parametrize("build", [RefineNet, LightWeightRefineNet])
@pytest.mark.parametrize("argument", ["pooling_blocks", "filters", "coarse_filters"])
def test_counts_of_refinenet(no_backbone, build, argument):
    with pytest.raises(KerassegError, match=f"{argument} is a whole number.*received 0"):
        build(**{argument: 0})


@pytest.mark.parametrize("argument", ["num_codewords", "fusion_filters", "codeword_filters"])
def test_counts_of_efficientfcn(no_backbone, argument):
    with pytest.raises(KerassegError, match=f"{argument} is a whole number.*received 0"):
        EfficientFCN(**{argument: 0})


@builders
@pytest.mark.parametrize("rate", [1.0, -0.1, 50, "half"])
def test_dropout_rate(no_backbone, build, rate):
    with pytest.raises(KerassegError, match="dropout is a rate, at least 0 and below 1; received"):
        build(dropout=rate)


def test_variant(no_backbone):
    with pytest.raises(KerassegError) as error:
        EfficientFCN(variant="relaese")
    assert _message(error) == (
        "unknown variant 'relaese': did you mean 'release'? Accepted: paper, release."
    )


@builders
def test_activation(no_backbone, build):
    with pytest.raises(KerassegError) as error:
        build(activation="sofmax")
    assert "unknown activation 'sofmax': did you mean 'softmax'?" in _message(error)
    assert " sigmoid," in str(error.value)
    assert "serialize" not in str(error.value)


@builders
@pytest.mark.parametrize(
    "shape", [(None, None), (0, 64, 3), (64, 64.5, 3), (64, 64, None), 64, "abc", None]
)
def test_input_shape(no_backbone, build, shape):
    with pytest.raises(KerassegError) as error:
        build(input_shape=shape)
    assert _message(error).startswith("input_shape is (height, width, channels)")
    assert f"received {shape!r}" in str(error.value)


@builders
def test_missing_weights_file(no_backbone, build, tmp_path):
    path = tmp_path / "none.weights.h5"
    with pytest.raises(KerassegError) as error:
        build("mobilenetv2", weights=path)
    assert f"weights: no such file: {path}. Give the path of" in _message(error)


def test_weights_of_another_architecture(tmp_path):
    path = tmp_path / "refinenet.weights.h5"
    RefineNet(tiny_backbone(), 5, **REFINENET_OPTIONS).save_weights(path)
    with pytest.raises(KerassegError) as error:
        EfficientFCN(tiny_backbone(), 5, weights=path, **EFFICIENTFCN_OPTIONS)
    first, second, *tensors = str(error.value).splitlines()
    # Of the classifier's two, the bias fits; the backbone's eight do too.
    assert first == (
        f"weights: {path} does not fit this efficientfcn: 50 tensors are missing, 78 are not the "
        "model's and 1 has another shape."
    )
    assert second == "Build it with the arguments that the saved model was built with."
    assert len(tensors) == 50 + 78 + 1 + 3
    assert "  compress32/0 (1, 1, 10, 16)" in tensors
    assert "  stride4_crp/convs/conv1/0 (3, 3, 12, 12)" in tensors
    assert "  classifier/0 (3, 3, 12, 5) in the file, (1, 1, 24, 5) in the model" in tensors


def test_weights_of_another_number_of_classes(tmp_path):
    path = tmp_path / "refinenet.weights.h5"
    RefineNet(tiny_backbone(), 5, **REFINENET_OPTIONS).save_weights(path)
    with pytest.raises(KerassegError) as error:
        RefineNet(tiny_backbone(), 6, weights=path, **REFINENET_OPTIONS)
    assert str(error.value) == (
        f"weights: {path} does not fit this refinenet: 2 tensors have another shape.\n"
        "Build it with the arguments that the saved model was built with.\n"
        "Of another shape:\n"
        "  classifier/0 (3, 3, 12, 5) in the file, (3, 3, 12, 6) in the model\n"
        "  classifier/1 (5,) in the file, (6,) in the model"
    )


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_weights_that_would_be_left_over(tmp_path, suffix):
    path = tmp_path / f"refinenet{suffix}"
    model = RefineNet(tiny_backbone(), 5, **REFINENET_OPTIONS)
    (model.save if suffix == ".keras" else model.save_weights)(path)
    with pytest.raises(KerassegError) as error:
        RefineNet(tiny_backbone(), 5, weights=path, pooling_blocks=1, **REFINENET_OPTIONS)
    first, _, title, *tensors = str(error.value).splitlines()
    assert first.endswith(": 4 tensors are not the model's.")
    assert title == "Not the model's:"
    assert [line.split()[0] for line in tensors] == [
        f"stride{stride}_crp/convs/conv2/0" for stride in (16, 32, 4, 8)
    ]


@pytest.mark.parametrize("name", ["damaged.weights.h5", "damaged.keras"])
def test_damaged_weights_file(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing of the kind")
    with pytest.raises(KerassegError) as error:
        RefineNet(tiny_backbone(), 5, weights=tmp_path / name, **REFINENET_OPTIONS)
    assert f"weights: {tmp_path / name} cannot be read: " in _message(error)
    assert "Give a .weights.h5 or .keras file that holds weights of refinenet." in str(error.value)


@builders
def test_weights_file_of_another_kind(no_backbone, build, tmp_path):
    (tmp_path / "weights.pth").touch()
    with pytest.raises(KerassegError) as error:
        build("mobilenetv2", weights=tmp_path / "weights.pth")
    assert f"weights: unknown suffix: {tmp_path / 'weights.pth'}." in _message(error)


@builders
@pytest.mark.parametrize("value", [5, True, 0.5])
def test_weights_that_are_no_path(no_backbone, build, value):
    with pytest.raises(KerassegError) as error:
        build("mobilenetv2", weights=value)
    assert f"weights: not a path: {value}. Give the path of a" in _message(error)


@builders
def test_backbone_weights_that_are_no_path(build):
    with pytest.raises(KerassegError, match=r"no such weights file: '5'. backbone_weights is 'im"):
        build("resnet50", backbone_weights=5)


@builders
def test_softmax_of_one_class(no_backbone, build):
    with pytest.raises(KerassegError) as error:
        build(num_classes=1, activation="softmax")
    assert _message(error) == (
        "the softmax of one class is 1.0 everywhere, whatever the logits are; received "
        "activation='softmax' and num_classes=1.\n"
        "Give activation='sigmoid' for a binary mask, or num_classes=2."
    )


@pytest.mark.parametrize("build", [RefineNet, LightWeightRefineNet, EfficientFCN])
def test_unknown_backbone(build):
    with pytest.raises(KerassegError, match=r"unknown backbone 'mobilnetv2': .*'mobilenetv2'"):
        build("mobilnetv2", backbone_weights=None)


@decoders
def test_three_feature_maps(decode):
    with pytest.raises(KerassegError) as error:
        decode(pyramid((4, 4, 4, 4))[1:], 5)
    assert "a decoder takes four feature maps (N, h, w, C)" in _message(error)
    assert "received 3: [(None, 13, 21, 4)" in str(error.value)


@decoders
def test_feature_maps_of_another_rank(decode):
    features = [*pyramid((4, 4, 4, 4))[:3], keras.Input((4,))]
    with pytest.raises(KerassegError, match="a decoder takes four feature maps"):
        decode(features, 5)


@decoders
def test_number_of_classes_of_a_decoder(decode):
    with pytest.raises(KerassegError, match="num_classes is a whole number"):
        decode(pyramid((4, 4, 4, 4)), 0)


def test_whole_numbers_of_numpy_are_whole_numbers():
    features = pyramid((4, 4, 4, 4))
    logits = refinenet_decoder(features, np.int64(5), filters=np.int32(4), coarse_filters=4)
    assert logits.shape[-1] == 5
