"""Recipes: one TOML file an experiment, checked before anything is computed."""

import difflib
import hashlib
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator

from kerasseg.errors import KerassegError, unknown_name
from kerasseg.recipe.augmentation import AugmentationRecipe
from kerasseg.recipe.complaints import complaint
from kerasseg.recipe.data import DataRecipe
from kerasseg.recipe.loss import LossRecipe
from kerasseg.recipe.model import ModelRecipe
from kerasseg.recipe.optimizer import OptimizerRecipe
from kerasseg.recipe.section import Section
from kerasseg.recipe.training import OutputRecipe, TrainingRecipe

# Where the data lies (its own fingerprint tells), what is shown, and on what and in how many
# calls it is computed.
_WITHOUT_EFFECT: Any = {
    "data": {"directory", "cache", "on_error"},
    "training": {"devices", "steps_per_execution", "wait_minutes"},
    "output": True,
}


class Recipe(Section):
    """A whole recipe; each attribute is a section of the file."""

    model: ModelRecipe
    data: DataRecipe
    augmentation: AugmentationRecipe
    loss: LossRecipe = LossRecipe()
    optimizer: OptimizerRecipe
    training: TrainingRecipe
    output: OutputRecipe = OutputRecipe()

    @model_validator(mode="after")
    def _mixable(self) -> "Recipe":
        self.augmentation.build().check_batch_size(self.training.batch_size)
        return self

    @model_validator(mode="after")
    def _has_auxiliary_heads(self) -> "Recipe":
        self.loss.check_model(self.model)
        return self

    @model_validator(mode="after")
    def _stops_after_the_drop(self) -> "Recipe":
        stop, drop = self.training.stop_after, self.optimizer.plateau_patience
        if self.optimizer.schedule == "plateau" and 0 < stop <= drop:
            raise KerassegError(
                f"training.stop_after = {stop} ends the training before the learning rate drops, "
                f"after {drop} validations without a better mean IoU (optimizer.plateau_patience). "
                f"Give at least {drop + 1}, or 0."
            )
        return self

    @property
    def fingerprint(self) -> str:
        """Hash of everything that the weights depend on."""
        resolved = self.model_dump(mode="json", exclude=_WITHOUT_EFFECT)
        if not self.training.stop_after:
            # So that runs from before there was the key go on.
            del resolved["training"]["stop_after"]
        return hashlib.sha256(json.dumps(resolved, sort_keys=True).encode()).hexdigest()


def read_recipe(path: str | os.PathLike[str], settings: Sequence[str] = ()) -> Recipe:
    """Returns the recipe of a file, with single values replaced.

    Args:
        path: The TOML file.
        settings: `section.key=value` each, the value written as in TOML; a word that is no
            TOML value stands for itself.

    Raises:
        KerassegError: If there is no such file, it is not TOML, or a key or value cannot be
            used; the message names the key and the nearest known one.

    Example:
        >>> _ = Path("camvid.toml").write_text(EXAMPLE)
        >>> read_recipe("camvid.toml", ["training.epochs=5"]).training.epochs
        5
    """
    file = Path(path)
    if not file.is_file():
        raise KerassegError(f"no such recipe: {file}. Those shipped lie in training/recipes/.")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise KerassegError(f"{file} is not a TOML file: it is not UTF-8 text.") from None
    return parse_recipe(text, settings, source=str(file))


def parse_recipe(text: str, settings: Sequence[str] = (), source: str = "recipe") -> Recipe:
    """Returns the recipe that a TOML text describes.

    Args:
        text: The text, as in a recipe's file.
        settings: As for `read_recipe`.
        source: What the messages call the text.

    Raises:
        KerassegError: If the text is not TOML, or a key or value cannot be used; the message names
            the key and the nearest known one.

    Example:
        >>> parse_recipe(EXAMPLE, ["optimizer.name=SGD"]).optimizer.name
        'SGD'
    """
    try:
        sections = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KerassegError(f"{source} is not a TOML file: {error}.") from None
    for setting in settings:
        _replace(sections, setting)
    try:
        return Recipe.model_validate(sections)
    except ValidationError as error:
        raise KerassegError(f"{source}: {_explain(error)}") from None


def _replace(sections: dict[str, Any], setting: str) -> None:
    key, equals, value = setting.partition("=")
    section, dot, name = key.strip().partition(".")
    if not equals or not dot or "." in name:
        raise KerassegError(f"--set takes section.key=value; received {setting!r}.")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    values = sections.setdefault(section, {})
    if not isinstance(values, dict):
        raise KerassegError(f"--set {setting}: {section} is a value in the recipe, no section.")
    values[name] = parsed


def _explain(error: ValidationError) -> str:
    """Returns the first complaint of pydantic as a sentence about a key of the file."""
    # A key that is missing may be there with a typo, and that is what has to be said.
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    place = [str(part) for part in first["loc"]]
    key = ".".join(place)
    if first["type"] == "extra_forbidden":
        kind = f"recipe key in [{place[0]}]" if len(place) > 1 else "section of a recipe"
        return str(unknown_name(kind, place[-1], _keys(place[:-1])))
    if first["type"] == "missing" and place[-1].isdecimal():
        return f"{key} is missing: give a longer list; received {list(first['input'])}."
    if first["type"] == "missing":
        given = first["input"] if isinstance(first["input"], dict) else ()
        near = difflib.get_close_matches(place[-1], given, n=1)
        hint = f": is it meant by {near[0]!r}?" if near else "; the recipe must give it."
        return f"{key} is missing{hint}"
    return complaint(key, first)


def _keys(place: Sequence[str]) -> list[str]:
    """Returns the keys that a section of the recipe accepts."""
    section: Any = Recipe
    for name in place:
        section = section.model_fields[name].annotation
    return list(section.model_fields)


def recipe_text(recipe: Recipe) -> str:
    """Returns a recipe as TOML, every value written out.

    Example:
        >>> "[model]" in recipe_text(parse_recipe(EXAMPLE))
        True
    """
    sections = recipe.model_dump(mode="json")
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())
        for name, values in sections.items()
    )


def _toml(value: Any) -> str:
    """JSON is TOML for strings, numbers, booleans and arrays, which is all a recipe holds."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def difference(one: Recipe, other: Recipe) -> str:
    """Returns the first key with an effect on the weights that differs, with both values.

    Example:
        >>> difference(parse_recipe(EXAMPLE), parse_recipe(EXAMPLE, ["training.epochs=5"]))
        'training.epochs is 30 here and 5 there'
    """
    left, right = _flat(one), _flat(other)
    # Keys that one of them lacks follow from another: those of a loss from loss.terms.
    shared, single = left.keys() & right.keys(), left.keys() ^ right.keys()
    for key in [*sorted(shared), *sorted(single)]:
        if left.get(key) != right.get(key):
            return f"{key} is {left.get(key)!r} here and {right.get(key)!r} there"
    return "they are equal"


def _flat(recipe: Recipe) -> Mapping[str, Any]:
    sections = recipe.model_dump(mode="json", exclude=_WITHOUT_EFFECT)
    return {f"{name}.{key}": v for name, values in sections.items() for key, v in values.items()}


EXAMPLE = """
[model]
architecture = "EfficientFCN"
backbone = "efficientnet_lite0"
num_codewords = 48

[data]
dataset = "camvid"

[augmentation]
crop_size = [256, 320]

[optimizer]
name = "AdamW"
learning_rate = 5e-4

[training]
epochs = 30
batch_size = 8
"""
