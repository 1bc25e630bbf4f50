"""The section `[loss]`: terms, their keys, class weights, auxiliary heads."""

import numpy as np
import pytest

from kerasseg import losses
from kerasseg.errors import KerassegError
from kerasseg.recipe import EXAMPLE, parse_recipe, recipe_text

REFINENET = EXAMPLE.replace("num_codewords = 48", "").replace("EfficientFCN", "RefineNet")


def loss_of(*settings, class_weights=None):
    recipe = parse_recipe(EXAMPLE, [f"loss.{setting}" for setting in settings])
    return recipe.loss.build(255, class_weights)


def test_without_a_section_it_is_the_crossentropy():
    loss = loss_of()
    assert type(loss) is losses.SegmentationCrossentropy
    assert (loss.ignore_label, loss.class_weights) == (255, None)


TERMS = {
    "boundary": (losses.BoundaryCrossentropy, {"width": 5, "weight": 4.0}),
    "cross_entropy": (losses.SegmentationCrossentropy, {}),
    "dice": (losses.DiceLoss, {}),
    "focal": (losses.FocalLoss, {"gamma": 2.0}),
    "lovasz_softmax": (losses.LovaszSoftmax, {"per_image": True}),
    "ohem": (losses.OHEMCrossentropy, {"threshold": 0.7, "min_kept": 16384}),
}


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_the_loss_of_its_name(term):
    kind, defaults = TERMS[term]
    loss = loss_of(f"terms=['{term}']", class_weights=(1.0, 2.0))
    assert type(loss) is kind
    assert loss.class_weights == (1.0, 2.0)
    assert defaults.items() <= loss.get_config().items()


KEYS = {
    "boundary_width=3": ("boundary", "width", 3),
    "boundary_weight=1.5": ("boundary", "weight", 1.5),
    "focal_gamma=0": ("focal", "gamma", 0.0),
    "lovasz_per_image=false": ("lovasz_softmax", "per_image", False),
    "ohem_threshold=0.9": ("ohem", "threshold", 0.9),
    "ohem_min_kept=10": ("ohem", "min_kept", 10),
}


@pytest.mark.parametrize("setting", KEYS)
def test_a_key_sets_an_argument_of_its_loss(setting):
    term, argument, value = KEYS[setting]
    assert loss_of(f"terms=['{term}']", setting).get_config()[argument] == value


@pytest.mark.parametrize("setting", KEYS)
def test_a_key_of_a_loss_that_is_no_term_is_refused(setting):
    term, key = KEYS[setting][0], setting.partition("=")[0]
    message = rf"loss.{key} is for the loss '{term}', and loss.terms is \['dice'\]; add '{term}'"
    with pytest.raises(KerassegError, match=message):
        loss_of("terms=['dice']", setting)


def test_several_terms_are_a_weighted_sum():
    loss = loss_of("terms=['cross_entropy', 'lovasz_softmax']", "term_weights=[1.0, 0.5]")
    assert isinstance(loss, losses.WeightedSum)
    assert loss.weights == (1.0, 0.5)
    kinds = [losses.SegmentationCrossentropy, losses.LovaszSoftmax]
    assert [type(part) for part in loss.losses] == kinds
    assert loss_of("terms=['dice', 'focal']").weights == (1.0, 1.0)


def test_a_single_term_may_have_a_weight():
    labels, logits = np.array([[[0, 1]]]), np.zeros((1, 1, 2, 2), np.float32)
    doubled = loss_of("term_weights=[2]")(labels, logits)
    assert float(doubled) == pytest.approx(2 * np.log(2))


def test_the_resolved_text_holds_the_keys_of_its_terms_alone():
    recipe = parse_recipe(EXAMPLE, ["loss.terms=['focal', 'ohem']", "loss.focal_gamma=1"])
    text = recipe_text(recipe)
    assert "focal_gamma = 1.0\n" in text
    assert "ohem_min_kept = 16384\n" in text
    assert "boundary" not in text
    assert parse_recipe(text) == recipe
    other = parse_recipe(EXAMPLE, ["loss.terms=['focal', 'ohem']"])
    assert parse_recipe(text).fingerprint == recipe.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    "rule", ["median-frequency", "inverse-frequency", "inverse-square-root", "cube-root"]
)
def test_class_weights_may_be_a_rule(rule):
    assert parse_recipe(EXAMPLE, [f"loss.class_weights={rule}"]).loss.class_weights == rule


BAD = {
    "terms=['dise']": "unknown loss in loss.terms 'dise': did you mean 'dice'",
    "terms=[]": r"loss.terms names one loss or more, each once; received \[\]",
    "terms=['dice', 'dice']": "each once; received",
    "terms=dice": r"loss.terms: give a list, as in \[.dice.\]; received 'dice'",
    "term_weights=[1, 2]": "loss.term_weights has 2 weights for 1 terms",
    "term_weights=[-1]": "loss.term_weights.0: .*; received -1",
    "class_weights=median": "unknown loss.class_weights 'median': did you mean 'median-frequency'",
    "class_weights=[1, -1]": "loss.class_weights.1: .* at least 0; received -1",
    "class_weights=[1, inf]": "loss.class_weights.1: .* finite .*; received inf",
    "class_weights=[true]": "loss.class_weights.0: .*; received True",
    "class_weights=['1']": "loss.class_weights.0: .*; received '1'",
    "class_weights=3": "one number a class, or one of .*median-frequency.*; received 3",
    "class_weights=[0, 0]": "loss.class_weights are all 0",
    "focal_gama=2": r"unknown recipe key in \[loss\] 'focal_gama'",
    "weights=[1]": r"in \[loss\] 'weights': did you mean 'term_weights'",
    "auxiliary_strides=[8]": "has no effect while loss.auxiliary_weight is 0",
    "auxiliary_weight=-1": "loss.auxiliary_weight: .*; received -1",
}


@pytest.mark.parametrize("setting", BAD)
def test_a_bad_value_is_named(setting):
    with pytest.raises(KerassegError, match=BAD[setting]):
        loss_of(setting)


BAD_OF_TERMS = {
    "focal_gamma=-1": "loss.focal_gamma: give a number of at least 0; received -1",
    "focal_gamma=inf": "loss.focal_gamma: .*finite.*; received inf",
    "ohem_threshold=2": "loss.ohem_threshold: give a number of at most 1; received 2",
    "ohem_min_kept=0.5": "loss.ohem_min_kept: give a whole number; received 0.5",
    "lovasz_per_image=maybe": "loss.lovasz_per_image: give true or false; received 'maybe'",
    "auxiliary_strides=[2]": "loss.auxiliary_strides.0: give 4, 8, 16 or 32; received 2",
    "auxiliary_strides=[]": r"4, 8, 16 or 32, each once; received \[\]",
    "auxiliary_strides=[8, 8]": r"each once; received \[8, 8\]",
}


@pytest.mark.parametrize("setting", BAD_OF_TERMS)
def test_a_bad_value_of_a_term_is_named(setting):
    with pytest.raises(KerassegError, match=BAD_OF_TERMS[setting]):
        loss_of("terms=['focal', 'ohem', 'lovasz_softmax']", "auxiliary_weight=0.4", setting)


def test_auxiliary_heads_need_one_scale():
    settings = ["loss.auxiliary_weight=0.4", "model.scales=[1.2, 0.6]"]
    message = r"loss.auxiliary_weight cannot go with model.scales = \[1.2, 0.6\]: each scale has"
    with pytest.raises(KerassegError, match=message):
        parse_recipe(REFINENET, settings)
    assert parse_recipe(REFINENET, settings[1:]).loss.auxiliary_weight == 0
    assert parse_recipe(REFINENET, settings[:1]).loss.auxiliary_strides == (16,)
