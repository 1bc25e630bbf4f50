"""docs/recipes.md has every key of a recipe, as it is now, and commands that can be copied."""

import itertools
import re
import shlex
from pathlib import Path

import pytest

from benchmarks import recipe_keys
from kerasseg.recipe import ARCHITECTURES, ModelRecipe, Recipe, read_recipe
from training.train import _parser

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "recipes.md"


def test_the_tables_are_those_that_their_program_writes_now(tmp_path):
    copy = tmp_path / "recipes.md"
    copy.write_text(PAGE.read_text())
    recipe_keys.main(["--page", str(copy)])
    assert copy.read_text() == PAGE.read_text()


@pytest.mark.parametrize("section", Recipe.model_fields)
def test_every_key_of_a_section_has_a_line_that_explains_it(section):
    table = recipe_keys.tables()[f"benchmarks/recipe_keys.py [{section}]"]
    told = dict(re.findall(r"^\| `(\w+)` \| .* \| (.+) \|$", table, re.MULTILINE))
    assert told.keys() >= Recipe.model_fields[section].annotation.model_fields.keys()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_key_of_an_architecture_has_a_line(architecture):
    table = recipe_keys.tables()[f"benchmarks/recipe_keys.py [model, {architecture}]"]
    options = ModelRecipe(architecture=architecture).options
    assert options
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(options)


def test_every_command_of_the_page_is_one_that_training_takes():
    lines = [line for block in blocks() for line in block.splitlines()]
    assert len(lines) == 5
    for line in lines:
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "training.train"]
        options = _parser().parse_args(words[3:])
        read_recipe(ROOT / options.recipe, options.set)


def test_each_stage_of_the_page_takes_the_weights_of_the_one_before():
    (block,) = [block for block in blocks() if "coco" in block]
    stages = [_parser().parse_args(shlex.split(line)[3:]) for line in block.splitlines()]
    for before, stage in itertools.pairwise(stages):
        assert stage.set == [f"model.weights=runs/{before.recipe.stem}/model.keras"]


def blocks():
    return re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
