"""Which keys of `[optimizer]` belong together."""

import re

import pytest

from kerasseg.errors import KerassegError
from kerasseg.recipe import EXAMPLE, parse_recipe, recipe_text


def settings(changes):
    return [f"optimizer.{change}" for change in changes]


BAD = {
    ("momentum=0.8",): "optimizer.momentum is for optimizer.name = 'SGD'; it is 'AdamW' here. Leav",
    ("nesterov=false",): "optimizer.nesterov is for optimizer.name = 'SGD'; it is 'AdamW' here",
    ("name=Muon", "momentum=0.8"): "momentum is for optimizer.name = 'SGD'; it is 'Muon' here",
    (
        "power=0.9",
        "schedule=cosine",
    ): "optimizer.power is for optimizer.schedule = 'poly'; it is 'c",
    ("plateau_patience=3",): "plateau_patience is for optimizer.schedule = 'plateau'; it is 'poly'",
    ("plateau_factor=0.5",): "plateau_factor is for optimizer.schedule = 'plateau'",
    ("step_epochs=[3]",): "step_epochs is for optimizer.schedule = 'step'; it is 'poly' here",
    ("step_factor=0.5", "schedule=constant"): "step_factor is for optimizer.schedule = 'step'",
    ("schedule=step",): r"needs optimizer.step_epochs, .* as in \[30, 40\]; received \[\]",
    ("schedule=step", "step_epochs=[30, 20]"): r"later than the one before.*received \[30, 20\]",
    ("schedule=step", "step_epochs=[30, 30]"): r"received \[30, 30\]",
    ("schedule=step", "step_epochs=[0]"): r"optimizer.step_epochs.0: give a number of at least 1",
    ("schedule=linear",): "optimizer.schedule 'linear'. .*constant, cosine, plateau, poly, step",
    ("name=SGD", "nesterov=true", "momentum=0"): "nesterov = true needs an optimizer.momentum abov",
    ("name=Muon", "weight_decay_kind=l2"): "weight_decay_kind = 'l2' is for SGD and AdamW: the siz",
    ("weight_decay_kind=L2",): "optimizer.weight_decay_kind 'L2': did you mean 'l2'",
    ("clip_norm=-1",): "optimizer.clip_norm: give a number of at least 0",
    ("accumulate_steps=0",): "optimizer.accumulate_steps: give a number of at least 1",
    ("average=1",): "optimizer.average: give a number below 1",
    ("clipnorm=1",): "unknown recipe key in .optimizer. 'clipnorm': did you mean 'clip_norm'",
}


@pytest.mark.parametrize("changes", BAD)
def test_keys_that_do_not_belong_together(changes):
    with pytest.raises(KerassegError, match=BAD[changes]):
        parse_recipe(EXAMPLE, settings(changes))


GOOD = [
    ("name=SGD", "momentum=0.5", "nesterov=true"),
    ("name=SGD", "momentum=0"),
    ("power=2",),
    ("schedule=cosine",),
    ("schedule=step", "step_epochs=[20, 25]", "step_factor=0.5"),
    ("schedule=plateau", "plateau_patience=2"),
    ("name=Muon", "schedule=constant"),
    ("weight_decay_kind=l2",),
]


@pytest.mark.parametrize("changes", GOOD)
def test_the_resolved_text_holds_the_keys_that_have_a_meaning_and_reads_as_the_same(changes):
    recipe = parse_recipe(EXAMPLE, settings(changes))
    text = recipe_text(recipe)
    again = parse_recipe(text)
    assert again == recipe
    assert again.fingerprint == recipe.fingerprint
    wanted = recipe.optimizer
    assert ("momentum = " in text) == (wanted.name == "SGD")
    for key in ("power", "step_factor", "plateau_patience"):
        of_schedule = {"power": "poly"}.get(key, key.split("_")[0])
        assert bool(re.search(f"^{key} = ", text, re.M)) == (wanted.schedule == of_schedule)


def test_a_recipe_without_the_newer_keys_means_what_it_meant():
    wanted = parse_recipe(EXAMPLE).optimizer
    assert (wanted.schedule, wanted.power, wanted.weight_decay_kind) == ("poly", 0.9, "decoupled")
    assert (wanted.decoder_multiplier, wanted.head_multiplier) == (1, 1)
    assert (wanted.clip_norm, wanted.accumulate_steps) == (0, 1)
    assert (wanted.decay_biases, wanted.decay_batch_norm) == (False, False)
    assert parse_recipe(EXAMPLE, ["optimizer.name=SGD"]).optimizer.momentum == 0.9
