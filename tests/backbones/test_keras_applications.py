import os
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest

from kerasseg import backbones
from kerasseg.backbones import catalogue
from kerasseg.backbones.keras_applications import IMAGENET_MEAN, IMAGENET_STD
from kerasseg.errors import KerassegError
from tests.backbones.families import assert_same_maps, quickly, shared

PIXELS = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), "uint8")
CACHE_NAME = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"

WITH_A_CACHE_AND_NO_NETWORK = """
import sys
import numpy as np
from kerasseg import backbones
from kerasseg.errors import KerassegError

pixels = np.load(sys.argv[1])
model = backbones.create("mobilenetv2", weights="imagenet")
np.save(sys.argv[2], np.asarray(model(pixels)[3]))
try:
    backbones.create("resnet50", weights="imagenet")
except KerassegError as error:
    print(error)
"""


# A small member of each family, and the module of its `preprocess_input`.
FAMILIES = {
    "ResNet50": "resnet",
    "ResNet50V2": "resnet_v2",
    "DenseNet121": "densenet",
    "EfficientNetB0": "efficientnet",
    "EfficientNetV2B0": "efficientnet_v2",
    "EfficientNetV2S": "efficientnet_v2",
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "MobileNetV3Small": "mobilenet_v3",
    "MobileNetV3Large": "mobilenet_v3",
    "VGG16": "vgg16",
}


def official(builder: str) -> keras.Model:
    """Returns a network of Keras Applications with weights that no other has."""
    network = getattr(keras.applications, builder)(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    rng = np.random.default_rng(1)
    for layer in network.layers:
        # The published EfficientNets hold ImageNet's mean and, as the variance, its deviation.
        if isinstance(layer, keras.layers.Normalization) and layer.weights:
            layer.set_weights([np.array(IMAGENET_MEAN), np.array(IMAGENET_STD), np.array(0)])
        elif layer.weights:
            layer.set_weights(
                [weight * rng.uniform(0.9, 1.1, weight.shape) for weight in layer.get_weights()]
            )
    return network


def write_official_layout(path, network):
    """Writes the layout of the files that Keras Applications download: a group a layer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        for layer in network.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, values in zip(names, layer.get_weights(), strict=True):
                group[name] = values
    return path


@pytest.fixture
def downloads(monkeypatch, tmp_path):
    """Puts a file in the place of what Keras Applications would download."""
    asked: list[str] = []

    def provide(network: keras.Model) -> list[str]:
        path = write_official_layout(tmp_path / "notop.h5", network)

        def get_file(name, *arguments, **options):
            asked.append(name)
            return str(path)

        monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
        return asked

    return provide


@pytest.mark.filterwarnings("ignore:`input_shape` is undefined")
@pytest.mark.parametrize("builder", quickly("VGG16", among=FAMILIES))
def test_is_the_pretrained_network_of_keras_after_its_preprocessing(builder, downloads):
    asked = downloads(official(builder))
    pretrained = getattr(keras.applications, builder)(
        include_top=False, weights="imagenet", input_shape=(None, None, 3)
    )
    model = backbones.create(builder.lower(), weights="imagenet")
    assert len(asked) == 2
    assert asked[0] == asked[1]
    module = getattr(keras.applications, FAMILIES[builder])
    prepared = module.preprocess_input(PIXELS.astype("float32"))
    row = catalogue.find(builder.lower())
    taps = [pretrained.get_layer(name).output for name in row.features]
    reference = keras.Model(pretrained.inputs[0], taps)(prepared)
    assert_same_maps(model(PIXELS), reference, tolerance=1e-4)


@pytest.mark.parametrize("builder", quickly("VGG16", among=FAMILIES))
def test_takes_the_official_layout_for_other_channels(builder, downloads):
    downloads(official(builder))
    rgb = backbones.create(builder.lower(), weights="imagenet")
    six = backbones.create(builder.lower(), (None, None, 6), weights="imagenet")
    assert_same_maps(six(np.concatenate([PIXELS, PIXELS], axis=-1)), rgb(PIXELS))


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".h5", pytest.param(".weights.h5", marks=pytest.mark.slow)])
def test_statistics_in_a_weights_file_are_checked(suffix, tmp_path):
    network = official("EfficientNetB0")
    path = tmp_path / f"notop{suffix}"

    def write() -> None:
        if suffix == ".h5":
            write_official_layout(path, network)
        else:
            network.save_weights(path)

    write()
    backbones.create("efficientnetb0", weights=path)
    (layer,) = (one for one in network.layers if isinstance(one, keras.layers.Normalization))
    layer.set_weights([np.zeros(3), np.ones(3), np.array(0)])
    write()
    with pytest.raises(KerassegError, match=r"EfficientNetB0 go with pixels of mean \[0\.0, 0"):
        backbones.create("efficientnetb0", weights=path)


@pytest.mark.parametrize(
    "name", ["mobilenetv3large", pytest.param("efficientnetb0", marks=pytest.mark.slow)]
)
def test_what_a_backbone_saved_is_loaded_again(name, tmp_path):
    """Although neither holds all tensors that the network of Keras has."""
    shared(name).save_weights(tmp_path / "saved.weights.h5")
    again = backbones.create(name, weights=tmp_path / "saved.weights.h5")
    assert_same_maps(again(PIXELS), shared(name)(PIXELS), tolerance=0)


@pytest.fixture(scope="module")
def mobilenet():
    return official("MobileNetV2")


@pytest.fixture(scope="module")
def expected(mobilenet):
    return np.asarray(mobilenet(PIXELS / np.float32(127.5) - 1))


@pytest.fixture(scope="module")
def offline(mobilenet, tmp_path_factory):
    """What a process finds that has MobileNetV2 in Keras' cache and no network."""
    home = tmp_path_factory.mktemp("keras")
    write_official_layout(home / "models" / CACHE_NAME, mobilenet)
    np.save(home / "pixels.npy", PIXELS)
    nowhere = "http://127.0.0.1:9"
    command = [sys.executable, "-W", "error::UserWarning", "-c", WITH_A_CACHE_AND_NO_NETWORK]
    result = subprocess.run(
        [*command, str(home / "pixels.npy"), str(home / "features.npy")],
        env={**os.environ, "KERAS_HOME": str(home), "https_proxy": nowhere, "no_proxy": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return np.load(home / "features.npy"), result.stdout


def test_imagenet_weights_come_from_the_cache_of_keras(offline, expected):
    features, _ = offline
    np.testing.assert_allclose(features, expected, atol=1e-4 * expected.std())


def test_an_impossible_download_names_both_remedies(offline):
    _, printed = offline
    assert "the ImageNet weights of ResNet50 could not be loaded: URL fetch failure" in printed
    assert "backbone_weights=None or the path of a weights file" in printed


def test_a_path_takes_a_file_in_the_official_layout(mobilenet, expected, tmp_path):
    path = write_official_layout(tmp_path / "notop.h5", mobilenet)
    model = backbones.create("mobilenetv2", weights=path)
    np.testing.assert_allclose(model(PIXELS)[3], expected, atol=1e-4 * expected.std())


def test_a_path_takes_what_keras_saves(mobilenet, expected, tmp_path):
    path = str(tmp_path / "mobilenet.weights.h5")
    mobilenet.save_weights(path)
    model = backbones.create("mobilenetv2", weights=path)
    np.testing.assert_allclose(model(PIXELS)[3], expected, atol=1e-4 * expected.std())


def test_a_path_takes_a_resnet_in_the_official_layout(tmp_path):
    network = official("ResNet50")
    path = write_official_layout(tmp_path / "notop.h5", network)
    model = backbones.create("resnet50", weights=path)
    for name in ("conv1_conv", "conv4_block6_3_bn", "conv5_block3_3_conv"):
        weights = zip(
            model.get_layer(name).get_weights(), network.get_layer(name).get_weights(), strict=True
        )
        assert all(np.array_equal(*pair) for pair in weights)


def test_a_missing_weights_file_is_named():
    with pytest.raises(KerassegError, match=r"no such weights file: 'lost\.weights\.h5'"):
        backbones.create("resnet50", weights="lost.weights.h5")


def test_a_file_of_another_network_is_refused(mobilenet, tmp_path):
    path = write_official_layout(tmp_path / "notop.h5", mobilenet)
    with pytest.raises(
        KerassegError, match=r"notop\.h5 does not hold weights of ResNet50"
    ) as error:
        backbones.create("resnet50", weights=path)
    for tensor in ("conv1_conv/0 (7, 7, 3, 64)", "Conv1/0 (3, 3, 3, 32)", "block_16_project/0"):
        assert tensor in str(error.value)
    assert str(error.value).splitlines()[1] == (
        "As backbone_weights give a file that save_weights of ResNet50 wrote, 'imagenet' or None."
    )


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_a_file_with_a_classifier_is_refused(mobilenet, suffix, tmp_path):
    path = tmp_path / f"classifier{suffix}"
    pooled = keras.layers.GlobalAveragePooling2D()(mobilenet.output)
    network = keras.Model(mobilenet.input, keras.layers.Dense(5, name="top")(pooled))
    (network.save if suffix == ".keras" else network.save_weights)(path)
    with pytest.raises(KerassegError) as error:
        backbones.create("mobilenetv2", weights=path)
    assert str(error.value) == (
        f"{path} does not hold weights of MobileNetV2 without its classifier, in Keras' layout: "
        "2 tensors are not the model's.\n"
        "As backbone_weights give a file that save_weights of MobileNetV2 wrote, 'imagenet' or "
        "None.\n"
        "Not the model's:\n"
        "  top/0 (1280, 5)\n"
        "  top/1 (5,)"
    )


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_path_takes_a_whole_network_in_the_older_layout(mobilenet, expected, tmp_path):
    mobilenet.save(tmp_path / "whole.h5")
    model = backbones.create("mobilenetv2", weights=tmp_path / "whole.h5")
    np.testing.assert_allclose(model(PIXELS)[3], expected, atol=1e-4 * expected.std())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "trained"),
    [("resnet50", 23_508_032), ("resnet101", 42_500_160), ("resnet152", 58_143_808)],
)
def test_trained_parameters_of_a_resnet(name, trained):
    # Those of He et al. (arXiv 1512.03385) without the classifier. Keras Applications add biases
    # to the convs, which batch norm cancels.
    weights = backbones.create(name, weights=None).trainable_weights
    counts = {one.path: int(np.prod(one.shape)) for one in weights}
    biases = sum(count for path, count in counts.items() if path.endswith("_conv/bias"))
    assert sum(counts.values()) - biases == trained


@pytest.mark.parametrize("name", ["damaged.h5", "damaged.weights.h5", "damaged.pt"])
def test_a_damaged_file_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"not HDF5")
    expected = rf"{name} does not hold weights of MobileNetV2 .*\n.*save_weights of MobileNetV2"
    with pytest.raises(KerassegError, match=expected):
        backbones.create("mobilenetv2", weights=path)
