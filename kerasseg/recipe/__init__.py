"""Recipes: what is trained on what and how, one TOML file an experiment."""

from kerasseg.recipe.data import DataRecipe, Source, open_source, record_sources
from kerasseg.recipe.loss import LossRecipe
from kerasseg.recipe.model import ARCHITECTURES, ModelRecipe
from kerasseg.recipe.recipe import (
    EXAMPLE,
    Recipe,
    difference,
    parse_recipe,
    read_recipe,
    recipe_text,
)
from kerasseg.recipe.training import TrainingRecipe

__all__ = [
    "ARCHITECTURES",
    "EXAMPLE",
    "DataRecipe",
    "LossRecipe",
    "ModelRecipe",
    "Recipe",
    "Source",
    "TrainingRecipe",
    "difference",
    "open_source",
    "parse_recipe",
    "read_recipe",
    "recipe_text",
    "record_sources",
]
