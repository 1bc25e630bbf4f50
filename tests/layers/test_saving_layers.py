"""Every layer is found again by `keras.models.load_model`, with its arguments and weights."""

import inspect

import keras
import numpy as np
import pytest

from kerasseg import layers
from tests.layers.numpy_statements import normal

# Arguments that are no defaults, and the channels of the maps that the layer is called with.
LAYERS = {
    "ChainedResidualPooling": (
        {
            "filters": 4,
            "num_blocks": 3,
            "kernel_size": 1,
            "pooling_order": "conv_pool",
            "rematerialize": True,
        },
        [4],
    ),
    "CodebookGeneration": ({}, [4, 6]),
    "CropTo": ({}, [4, 3]),
    "MultiResolutionFusion": ({"kernel_size": 1, "align_corners": True}, [4, 6]),
    "PadToMinimum": ({"minimum": 9}, [3]),
    "PixelNormalization": (
        {"mean": (1.0, 2.0, 3.0), "std": (4.0, 5.0, 6.0), "reverse_channels": True},
        [3],
    ),
    "ResidualConvUnit": ({"filters": 4, "rematerialize": True}, [4]),
    "ResizeBy": ({"scale": 0.6, "minimum": 3}, [3]),
    "ResizeTo": ({"align_corners": True}, [4, 3]),
}
SIZES = [(6, 7), (3, 4)]


def _model(name: str) -> keras.Model:
    arguments, channels = LAYERS[name]
    sizes = [SIZES[0]] * 2 if name == "CodebookGeneration" else SIZES
    inputs = [keras.Input((*size, count)) for size, count in zip(sizes, channels, strict=False)]
    layer = getattr(layers, name)(**arguments)
    return keras.Model(inputs, layer(inputs) if name == "MultiResolutionFusion" else layer(*inputs))


def test_every_layer_has_its_case():
    assert {*LAYERS, "CodewordAssembly"} == set(layers.__all__)


@pytest.mark.parametrize("name", LAYERS)
def test_reloaded_layer_has_the_same_outputs(name, tmp_path):
    model = _model(name)
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    images = [normal(0, 2, *tensor.shape[1:]) for tensor in model.inputs]
    assert np.array_equal(model(images), reloaded(images))


@pytest.mark.parametrize("name", LAYERS)
def test_config_holds_each_argument_under_its_own_name(name):
    arguments, _ = LAYERS[name]
    config = getattr(layers, name)(**arguments).get_config()
    assert {key: config[key] for key in arguments} == arguments


@pytest.mark.parametrize("name", layers.__all__)
def test_is_registered_under_kerasseg(name):
    layer = getattr(layers, name)
    assert keras.saving.get_registered_name(layer) == f"kerasseg>{name}"
    assert inspect.getmodule(layer).__name__ == f"kerasseg.layers.{_snake_case(name)}"


def _snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]


def test_reloaded_assembly_has_the_same_outputs(tmp_path):
    inputs = [keras.Input((8, 4)), keras.Input((3, 5, 8))]
    model = keras.Model(inputs, layers.CodewordAssembly(scaled=False)(*inputs))
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    values = [normal(0, 2, 8, 4), normal(1, 2, 3, 5, 8)]
    assert np.array_equal(model(values), reloaded(values))
    assert not reloaded.layers[-1].scaled


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_weights_stay_float32_and_precision_survives_the_config(name, policy):
    keras.config.set_dtype_policy(policy)
    layer = _model(name).layers[-1]
    keras.config.set_dtype_policy("float32")
    again = type(layer).from_config(layer.get_config())
    assert again.compute_dtype == layer.compute_dtype
    assert {weight.dtype for weight in layer.weights} <= {"float32"}
