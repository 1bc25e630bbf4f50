"""The whole way of each variant: a recipe, a run, a SavedModel, and the same answer from it."""

import functools
from pathlib import Path

import keras
import numpy as np
import pytest

from export import saved_model, verify
from kerasseg.data import shapes
from kerasseg.experiment.experiment import build_model
from kerasseg.recipe import parse_recipe, read_recipe
from kerasseg.run import Run
from tests.calibration import calibrate
from tests.models.model_case import random_images
from training import train

RECIPE = """
[model]
backbone_weights = "none"
{model}

[data]
dataset = "shapes"

[augmentation]
crop_size = [64, 64]

[optimizer]
learning_rate = 1e-4

[training]
epochs = 1
batch_size = 2
deterministic = false

[output]
pictures = 2
"""

REFINENET = """
architecture = "RefineNet"
backbone = "mobilenet"
filters = 16
coarse_filters = 32
"""

VARIANTS = {
    "light_weight": """
        architecture = "LightWeightRefineNet"
        backbone = "mobilenet"
        filters = 16
        coarse_filters = 32
    """,
    "dilated": """
        architecture = "DilatedFCN"
        backbone = "resnet50"
        head_filters = 32
    """,
    "cascade_of_two": f"{REFINENET} cascade = 2",
    "one_block_and_improved_pooling": f"{REFINENET} cascade = 1\npooling_order = 'conv_pool'",
    "two_scales": f"{REFINENET} scales = [1.2, 0.6]",
}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return shapes.write(tmp_path_factory.mktemp("data") / "shapes", train=4, val=2)


@pytest.fixture(scope="module")
def write_recipe(tmp_path_factory):
    """Writes a variant's recipe; training starts from weights whose signal reaches the logits.

    Random weights give the same logits everywhere, in which no difference would show.
    """

    @functools.cache
    def write(variant: str) -> Path:
        recipe = tmp_path_factory.mktemp(variant) / "recipe.toml"
        text = RECIPE.format(model=VARIANTS[variant])
        keras.utils.set_random_seed(0)
        model = build_model(parse_recipe(text), shapes.LABELS.num_classes)
        calibrate(model, random_images(4, 64, 64))
        # A random network makes more of float32's roundings than one that was trained.
        classifier = next(
            each for each in reversed(model.trainable_weights) if len(each.shape) == 4
        )
        assert classifier.shape[-1] == shapes.LABELS.num_classes
        classifier.assign(0.3 * classifier)
        weights = recipe.with_name("start.weights.h5")
        model.save_weights(weights)
        recipe.write_text(text.replace("[model]", f"[model]\nweights = '{weights}'"))
        return recipe

    return write


@pytest.fixture(scope="module")
def run_recipe(data_dir):
    """Runs the program and returns the run directory, which lies beside the recipe."""

    @functools.cache
    def run(recipe: Path, name: str = "run", *settings: str) -> Path:
        run_dir = recipe.with_name(name)
        chosen = [part for setting in settings for part in ("--set", setting)]
        places = ["--data-dir", str(data_dir), "--run-dir", str(run_dir)]
        assert train.main([str(recipe), *places, *chosen]) == 0
        return run_dir

    return run


def differences(printed: str) -> dict[str, float]:
    """Returns the largest difference of a probability by signature, from the table of `verify`."""
    rows = [line.split() for line in printed.splitlines()]
    start = next(place for place, row in enumerate(rows) if row[:1] == ["signature"])
    return {row[0]: float(row[2]) for row in rows[start + 1 : start + 4]}


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_what_a_recipe_trains_is_what_is_served(
    write_recipe, run_recipe, tmp_path, capsys, variant
):
    run_dir = run_recipe(write_recipe(variant))
    assert saved_model.main([str(run_dir), str(tmp_path)]) == 0
    capsys.readouterr()
    assert verify.main([str(run_dir), str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "2 images" in printed
    assert differences(printed).keys() == {"serving_default", "pixels", "probabilities"}
    # What float32 leaves: after steps a hundred times as long the dilated network as it trained is
    # 2.5e-4 from the same network in float64, and the exported one, of fewer roundings, 2.5e-5.
    assert max(differences(printed).values()) < 5e-5

    logits = Run(run_dir).load_model()(random_images(1, 97, 161))
    assert keras.ops.softmax(logits).numpy().std(axis=(0, 1, 2)).max() > 1e-2


@pytest.mark.slow
def test_a_second_recipe_goes_on_from_the_weights_of_two_scales(write_recipe, run_recipe):
    first = run_recipe(write_recipe("two_scales"))
    second = run_recipe(
        write_recipe("two_scales"),
        "second",
        f"model.weights={first / 'model.keras'}",
        "optimizer.learning_rate=1e-12",
        "training.batch_norm=frozen",
    )
    before, after = (Run(run_dir).load_model() for run_dir in (first, second))
    assert [len(before.get_layer(f"mobilenet_{scale}x").weights) for scale in (1.2, 0.6)] == [
        135
    ] * 2
    begun = build_model(read_recipe(second / "recipe.toml"), shapes.LABELS.num_classes)
    for weight, other, initial in zip(before.weights, after.weights, begun.weights, strict=True):
        np.testing.assert_array_equal(initial, weight, err_msg=weight.path)
        if "seed" not in weight.path:
            np.testing.assert_allclose(other, weight, atol=1e-6, err_msg=weight.path)
