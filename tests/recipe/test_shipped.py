"""What the recipes of the checkout say of themselves, and how they hang together."""

import re
import shlex

import pytest

from benchmarks.training_time import time_of
from kerasseg import data
from kerasseg.recipe import read_recipe
from tests.recipe.shipped import NAMES, RECIPES, ROOT, command, header
from training.train import _parser

PAGE = (ROOT / "docs" / "recipes.md").read_text()
STAGES = {
    "refinenet_voc2012_sbd": "refinenet_voc2012_coco",
    "refinenet_voc2012": "refinenet_voc2012_sbd",
    "light_weight_refinenet_voc2012": "light_weight_refinenet_voc2012_sbd",
}


def recipe_of(name):
    return read_recipe(ROOT / "training" / "recipes" / f"{name}.toml")


@pytest.mark.parametrize("path", RECIPES, ids=NAMES)
def test_the_header_says_paper_published_figure_time_and_measurement(path):
    text = header(path)
    for key in ("Paper", "Published", "Time", "Measured"):
        assert len(re.findall(rf"^{key}: \S", text, re.MULTILINE)) == 1, key
    assert re.search(r"arXiv \d{4}\.\d{5}\.", text)
    measured = text.partition("Measured: ")[2]
    assert measured.startswith("not run here.") or re.search(r"0\.\d{3}", measured)


ESTIMATED = re.compile(
    r"estimated, not run: about [\d.]+ (seconds|minutes|hours) on "
    r"(one A100, at an assumed \d+ TFLOP/s|2 cores of an Intel Xeon with AMX)"
)
RAN = re.compile(r"\d+ (s|minutes) of training\b.* on 2 cores")


@pytest.mark.parametrize("path", RECIPES, ids=NAMES)
def test_the_time_is_measured_or_estimated_for_named_hardware(path):
    told = time_of(path.read_text())
    if "Measured: not run here." in header(path):
        assert ESTIMATED.match(told)
    else:
        assert RAN.search(told)


# Why there is no figure: the authors have none for this data, or it could not be looked up.
NO_FIGURE = (
    "the paper has no figure for ",
    "nothing, for data of one's own.",
    "none for this stage. After the ",
    "the figure for val is in the paper's tables and was not at hand to be checked.",
    "the figure for the test split is in the paper's tables and was not at hand to be checked.",
)


@pytest.mark.parametrize("path", RECIPES, ids=NAMES)
def test_the_published_figure_is_there_or_it_is_said_why_not(path):
    (told,) = re.findall(r"^Published: (.*?)\n(?=[A-Z]\w+: )", header(path), re.M | re.S)
    told = told.replace("\n", " ")
    figure = r"mean IoU (\d\d\.\d|about 0\.\d\d) on (val|the test split)"
    assert re.match(figure, told) or told.startswith(NO_FIGURE), told


@pytest.mark.parametrize("path", RECIPES, ids=NAMES)
def test_the_command_of_the_header_trains_by_this_file(path):
    words = shlex.split(command(path))
    assert words[:3] == ["python", "-m", "training.train"]
    options = _parser().parse_args(words[3:])
    assert ROOT / options.recipe == path
    read_recipe(path, options.set)
    needs_data = read_recipe(path).data.dataset != "shapes"
    assert options.data_dir == ("DIR" if needs_data else None)


@pytest.mark.parametrize("path", RECIPES, ids=NAMES)
def test_the_page_has_a_figure_where_the_header_has_one(path):
    (row,) = re.findall(rf"^\| `training/recipes/{path.name}` .*$", PAGE, re.MULTILINE)
    ran = "Measured: not run here." not in header(path)
    assert row.endswith("| | not run here |") != ran
    if ran:
        assert row.split(" | ")[3].split()[0] in header(path)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_begins_where_the_one_before_ends(name):
    recipe, before = recipe_of(name), recipe_of(STAGES[name])
    assert recipe.model.weights == f"runs/{STAGES[name]}/model.keras"
    path = ROOT / "training" / "recipes" / f"{name}.toml"
    assert f"--set model.weights={recipe.model.weights}" in command(path)
    assert recipe.model.options == before.model.options
    for key in ("architecture", "backbone"):
        assert getattr(recipe.model, key) == getattr(before.model, key)
    assert data.describe(recipe.data.dataset).labels == data.describe(before.data.dataset).labels


def test_all_other_recipes_begin_with_the_backbone_alone():
    others = [name for name in NAMES if name not in STAGES]
    assert {recipe_of(name).model.weights for name in others} == {"none"}


PAPERS = {
    "RefineNet": {
        "learning_rate": 5e-4,
        "weight_decay": 5e-4,
        "schedule": "plateau",
        "plateau_factor": 0.1,
    },
    "EfficientFCN": {"weight_decay": 1e-4, "schedule": "poly", "power": 0.9},
    "LightWeightRefineNet": {"weight_decay": 1e-5},
}
# The others are networks of this project's widths, on a smaller backbone.
OF_PAPERS = [name for name in NAMES if recipe_of(name).model.backbone.startswith("resnet")]


@pytest.mark.parametrize("name", OF_PAPERS)
def test_the_settings_of_the_papers(name):
    recipe = recipe_of(name)
    shared = {
        "name": "SGD",
        "momentum": 0.9,
        "weight_decay_kind": "l2",
        "backbone_multiplier": 0.1,
    }
    wanted = shared | PAPERS[recipe.model.architecture]
    found = recipe.optimizer.model_dump()
    assert {key: found[key] for key in wanted} == wanted
    frozen = recipe.model.architecture != "EfficientFCN"
    assert recipe.training.batch_norm == ("frozen_statistics" if frozen else "train")


def test_every_paper_is_there():
    assert len(OF_PAPERS) == 15
