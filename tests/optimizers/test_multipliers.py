import keras
import pytest

from kerasseg.errors import KerassegError
from kerasseg.optimizers import part_multipliers, variable_multipliers
from kerasseg.recipe import ARCHITECTURES
from tests.optimizers.networks import factors, network
from tests.tiny import tiny_backbone

SMALL = {
    "DilatedFCN": {"head_filters": 8},
    "EfficientFCN": {"num_codewords": 4, "fusion_filters": 8, "codeword_filters": 8},
    "LightWeightRefineNet": {"filters": 8},
    "RefineNet": {"filters": 8, "coarse_filters": 8},
}


def test_the_multipliers_name_every_variable_of_the_layer_that_trains():
    multipliers = factors(network(), 0.25)
    assert multipliers == dict.fromkeys(
        ("stem/kernel", "stem/bias", "stem_bn/gamma", "stem_bn/beta"), 0.25
    )


def test_a_layer_that_is_not_there():
    with pytest.raises(KerassegError, match=r"unknown layer .* 'backbon': did you mean 'backbone'"):
        variable_multipliers(network(), {"backbon": 0.1})


def test_two_variables_of_one_path_cannot_be_told_apart():
    images = keras.Input((4, 4, 3))
    inner = keras.Model(images, keras.layers.Conv2D(3, 1, name="conv")(images), name="backbone")
    model = keras.Model(images, keras.layers.Conv2D(2, 1, name="conv")(inner(images)))
    with pytest.raises(KerassegError, match=r"are named 'conv/kernel'; give the layers"):
        variable_multipliers(model, {"backbone": 0.1})
    assert variable_multipliers(model, {"backbone": 1.0}) == {}


def build(architecture, **options):
    # Its dilation asks for a backbone of its own: the smallest there is, of 23 M weights.
    backbone = "resnet50" if architecture == "DilatedFCN" else "tiny"
    with tiny_backbone():
        return ARCHITECTURES[architecture](
            backbone, 3, backbone_weights=None, **SMALL[architecture], **options
        )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_variable_that_trains_belongs_to_one_part(architecture):
    model = build(architecture)
    multipliers = part_multipliers(model, backbone=2, decoder=3, head=4)
    assert multipliers.keys() == {variable.path for variable in model.trainable_variables}
    (backbone,) = (layer for layer in model.layers if isinstance(layer, keras.Model))
    for variable in model.trainable_variables:
        of_backbone = any(variable is one for one in backbone.variables)
        of_head = variable.path in ("classifier/kernel", "classifier/bias")
        assert multipliers[variable.path] == (2 if of_backbone else 4 if of_head else 3)
    assert set(multipliers.values()) == {2, 3, 4}


def test_both_backbones_of_two_scales_are_backbone():
    model = build("RefineNet", scales=[1.2, 0.6])
    backbones = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    multipliers = part_multipliers(model, backbone=0.1)
    assert len(backbones) == 2
    assert multipliers == {
        variable.path: 0.1 for one in backbones for variable in one.trainable_variables
    }


def test_what_is_frozen_gets_no_factor():
    model = build("RefineNet")
    model.get_layer("tiny").trainable = False
    assert part_multipliers(model, backbone=0.1) == {}


def test_a_model_without_a_classifier():
    pixels = keras.Input((8, 8, 3))
    maps = [keras.layers.Conv2D(2, 1, name=f"map{i}")(pixels) for i in range(4)]
    backbone = keras.Model(pixels, maps, name="own")
    model = keras.Model(pixels, keras.layers.Add()(backbone(pixels)), name="headless")
    with pytest.raises(KerassegError, match=r"'headless' has no layer 'classifier' .*head.* 10"):
        part_multipliers(model, head=10)
    assert set(part_multipliers(model, backbone=0.5).values()) == {0.5}
