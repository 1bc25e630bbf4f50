"""The model that a recipe describes."""

import numpy as np
import pytest

from kerasseg.errors import KerassegError
from kerasseg.experiment.experiment import build_model
from kerasseg.recipe import parse_recipe
from tests.tiny import REFINENET, tiny_backbone


@pytest.fixture(autouse=True)
def _tiny():
    with tiny_backbone():
        yield


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
@pytest.mark.parametrize("options", [(), ("model.scales=[1.2, 0.6]",)], ids=["one", "two scales"])
def test_weights_of_another_run_are_where_training_starts(tmp_path, suffix, options):
    path = tmp_path / f"other{suffix}"
    other = build_model(parse_recipe(REFINENET, options), 3)
    (other.save if suffix == ".keras" else other.save_weights)(path)
    # Those of the backbone are spared: they could not be downloaded here.
    settings = (*options, f"model.weights={path}", "model.backbone_weights=imagenet")
    model = build_model(parse_recipe(REFINENET, settings), 3)
    for found, expected in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_weights_that_are_not_there(tmp_path):
    recipe = parse_recipe(REFINENET, [f"model.weights={tmp_path / 'lost.keras'}"])
    with pytest.raises(KerassegError, match=r"weights: no such file: .*lost\.keras\. Give the pat"):
        build_model(recipe, 3)


def test_weights_of_another_number_of_classes(tmp_path):
    build_model(parse_recipe(REFINENET), 4).save(tmp_path / "other.keras")
    recipe = parse_recipe(REFINENET, [f"model.weights={tmp_path / 'other.keras'}"])
    with pytest.raises(KerassegError, match=r"other\.keras does not fit this refinenet: 2 tensors"):
        build_model(recipe, 3)
