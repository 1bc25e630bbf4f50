"""`--smoke` of every shipped recipe but those of RefineNet."""

import pytest

from kerasseg.recipe import read_recipe
from tests.recipe.shipped import RECIPES
from tests.training.shipped_recipes import EXPORTED, OTHERS, check_smoke


@pytest.mark.slow
@pytest.mark.parametrize("recipe", OTHERS, ids=lambda path: path.stem)
def test_it_runs(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("KERASSEG_HOME", str(tmp_path / "home"))
    check_smoke(recipe, tmp_path)


def test_one_recipe_of_each_architecture_is_exported():
    architectures = {path.stem: read_recipe(path).model.architecture for path in RECIPES}
    chosen = [architectures[name] for name in EXPORTED]
    assert sorted(chosen) == sorted(set(architectures.values()))
