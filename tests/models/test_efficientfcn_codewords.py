"""How many codewords: a number, or four times the classes; in a builder and in a recipe."""

import keras
import pytest

from kerasseg import EfficientFCN, efficientfcn_decoder
from kerasseg.errors import KerassegError
from kerasseg.recipe import EXAMPLE, parse_recipe, recipe_text
from tests.models.decoders import pyramid
from tests.models.model_case import tiny_backbone

NARROW = {"fusion_filters": 8, "codeword_filters": 12}


def codewords(model: keras.Model) -> int:
    return model.get_layer("codebook").output.shape[1]


@pytest.mark.parametrize(("num_classes", "expected"), [(1, 4), (11, 44), (150, 600)])
def test_auto_is_four_times_the_classes(num_classes, expected):
    model = EfficientFCN(tiny_backbone(), num_classes, num_codewords="auto", **NARROW)
    assert codewords(model) == expected


def test_auto_in_the_decoder_alone():
    features = pyramid((4, 5, 6, 7))
    logits = efficientfcn_decoder(features, 5, num_codewords="auto", **NARROW)
    assert codewords(keras.Model(features, logits)) == 20


@pytest.mark.parametrize("value", ["automatic", 2.5, None])
def test_anything_else_is_refused(value):
    with pytest.raises(KerassegError) as error:
        EfficientFCN(num_codewords=value)
    assert str(error.value) == (
        "num_codewords is a whole number of at least 1, or 'auto' for four times num_classes; "
        f"received {value!r}."
    )


def test_narrow_widths_are_the_widths():
    model = EfficientFCN(tiny_backbone(), 5, num_codewords=6, **NARROW)
    assert model.get_layer("codebook").output.shape == (None, 6, 12)
    assert model.get_layer("fuse32").output.shape[-1] == 3 * 8
    assert model.get_layer("classifier").input.shape[-1] == 12


def test_builder_leaves_the_guidance_out():
    sums = [
        [layer.name for layer in model.layers if layer.name == "guidance_plus_mean"]
        for model in (
            EfficientFCN(tiny_backbone(), 5, num_codewords=6, guided=guided, **NARROW)
            for guided in (True, False)
        )
    ]
    assert sums == [["guidance_plus_mean"], []]


@pytest.mark.parametrize("value", ["auto", 48])
def test_recipe_takes_either(value):
    recipe = parse_recipe(EXAMPLE, [f"model.num_codewords={value}"])
    assert recipe.model.options["num_codewords"] == value
    assert parse_recipe(recipe_text(recipe)) == recipe


def test_recipe_names_both():
    with pytest.raises(KerassegError) as error:
        parse_recipe(EXAMPLE, ["model.num_codewords=automatic"])
    assert "model.num_codewords: give a whole number or 'auto'; received 'automatic'." in str(
        error.value
    )


def test_recipe_of_a_dilated_fcn():
    text = EXAMPLE.replace('"EfficientFCN"', '"DilatedFCN"').replace(
        "num_codewords", "head_filters"
    )
    recipe = parse_recipe(text.replace("efficientnet_lite0", "resnet50"))
    assert recipe.model.options == {"align_corners": False, "dropout": 0.1, "head_filters": 48}
