"""Recipes: one TOML file an experiment, checked before anything is computed."""

import hashlib
import inspect
import json
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import keras
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kerasseg import models
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import Colour

ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {
    "EfficientFCN": models.EfficientFCN,
    "RefineNet": models.RefineNet,
}
# The recipe gives these to a builder itself, or a run has no use for them.
_NOT_OPTIONS = {"backbone", "num_classes", "backbone_weights", "weights", "activation", "name"}

Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelRecipe(_Section):
    """`[model]`: the builder, and any argument of the builder beside those named here.

    Attributes:
        architecture: `"EfficientFCN"` or `"RefineNet"`.
        backbone: A name of `kerasseg.backbones.names()`.
        backbone_weights: `"imagenet"`, the path of a file, or `"none"` for random ones.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    architecture: str
    backbone: str = "resnet101"
    backbone_weights: str = "imagenet"

    @model_validator(mode="after")
    def _known(self) -> "ModelRecipe":
        from kerasseg import backbones

        if self.architecture not in ARCHITECTURES:
            raise unknown_name("architecture", self.architecture, ARCHITECTURES)
        if self.backbone not in backbones.names():
            raise unknown_name("backbone", self.backbone, backbones.names())
        accepted = set(inspect.signature(ARCHITECTURES[self.architecture]).parameters)
        for key in self.options:
            if key not in accepted - _NOT_OPTIONS:
                names = (accepted - _NOT_OPTIONS) | set(type(self).model_fields)
                raise unknown_name("recipe key in [model]", key, names)
        return self

    @property
    def options(self) -> dict[str, Any]:
        """The builder's own arguments."""
        return dict(self.model_extra or {})


class DataRecipe(_Section):
    """`[data]`: which pictures.

    Attributes:
        dataset: A name of the catalogue, or `"folder"` for a directory of one's own.
        directory: Where it lies, unless the command says `--data-dir`.
        class_names: For `"folder"`: one name a class, in the order of the label values.
        palette: For `"folder"`: one RGB colour a class; empty for the default.
        ignore_label: For `"folder"`: the value of void pixels.
        train_split: Folder of the images to learn from.
        validation_split: Folder of the images to measure on.
        cache: Whether decoded images are kept in memory.
    """

    dataset: str
    directory: str = ""
    class_names: tuple[str, ...] = ()
    palette: tuple[Colour, ...] = ()
    ignore_label: int = 255
    train_split: str = "train"
    validation_split: str = "val"
    cache: bool = True


class AugmentationRecipe(_Section):
    """`[augmentation]`: the random draws of training; see `kerasseg.data.training_batches`."""

    crop_size: tuple[Count, Count]
    scale: tuple[Positive, Positive] = (0.5, 2.0)
    flip: bool = True
    brightness: NotNegative = 0.0
    contrast: NotNegative = 0.0
    saturation: NotNegative = 0.0


class OptimizerRecipe(_Section):
    """`[optimizer]`: the steps.

    Attributes:
        name: `"SGD"` (momentum 0.9) or `"AdamW"`.
        learning_rate: Of the decoder, at the end of the warm-up.
        backbone_multiplier: The backbone's learning rate, as a part of the decoder's.
        weight_decay: Decoupled decay of kernels; biases and batch norm are left out.
        power: Of the poly schedule.
        warmup_steps: Steps over which the learning rate rises.
        average: Momentum of the moving average of the weights, which is what is evaluated and
            saved; 0 for none.
    """

    name: Literal["SGD", "AdamW"] = "SGD"
    learning_rate: Positive
    backbone_multiplier: NotNegative = 0.1
    weight_decay: NotNegative = 1e-4
    power: Positive = 0.9
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    average: Annotated[float, Field(ge=0, lt=1)] = 0.0


class TrainingRecipe(_Section):
    """`[training]`: how long and in which precision.

    Attributes:
        epochs: Passes over the training split.
        batch_size: Crops a step, on all devices together.
        validate_every: Epochs between two looks at the validation split.
        precision: Keras' dtype policy.
        batch_norm: Of the backbone; see `kerasseg.training_graph`.
        frozen_stages: How many of the backbone's four stages do not train, from the input on.
        class_weights: One weight a class in the loss; empty for 1.
        seed: Of the weights, the order, the crops and the dropout.
        deterministic: Whether the same seed gives the same weights bit for bit.
        jit_compile: Whether XLA compiles the step, which one GPU likes and a CPU does not.
        devices: Names such as `"GPU:0"`; empty for all GPUs, or the CPU where there is none.
    """

    epochs: Count
    batch_size: Count
    validate_every: Count = 1
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    batch_norm: Literal["train", "frozen_statistics", "frozen"] = "train"
    frozen_stages: Annotated[int, Field(ge=0, le=4)] = 0
    class_weights: tuple[NotNegative, ...] = ()
    seed: int = 0
    deterministic: bool = True
    jit_compile: bool = False
    devices: tuple[str, ...] = ()


class OutputRecipe(_Section):
    """`[output]`: what is left in the run directory beside the weights.

    Attributes:
        pictures: How many validation images are shown with truth and prediction.
        saved_model: Whether a SavedModel is written to `serving/` at the end.
    """

    pictures: Annotated[int, Field(ge=0)] = 4
    saved_model: bool = False


class Recipe(_Section):
    """A whole recipe; each attribute is a section of the file."""

    model: ModelRecipe
    data: DataRecipe
    augmentation: AugmentationRecipe
    optimizer: OptimizerRecipe
    training: TrainingRecipe
    output: OutputRecipe = OutputRecipe()

    @property
    def fingerprint(self) -> str:
        """Hash of everything that the weights depend on.

        It leaves out where the data lies (its own fingerprint tells) and what is shown.
        """
        resolved = self.model_dump(
            mode="json",
            exclude={"output": True, "data": {"directory", "cache"}, "training": {"devices"}},
        )
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
    """
    file = Path(path)
    if not file.is_file():
        raise KerassegError(f"no such recipe: {file}. Those shipped lie in training/recipes/.")
    return parse_recipe(file.read_text(), settings, source=str(file))


def parse_recipe(text: str, settings: Sequence[str] = (), source: str = "recipe") -> Recipe:
    """Returns the recipe that a TOML text describes; see `read_recipe`."""
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
    sections.setdefault(section, {})[name] = parsed


def _explain(error: ValidationError) -> str:
    """Returns the first complaint of pydantic as a sentence about a key of the file."""
    first = error.errors()[0]
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    place = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        return str(unknown_name(f"recipe key {'.'.join(place)}", place[-1], _keys(place[:-1])))
    if first["type"] == "missing":
        return f"{'.'.join(place)} is missing; the recipe must give it."
    return f"{'.'.join(place)}: {first['msg']}; received {first['input']!r}."


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
    return json.dumps(value, ensure_ascii=False)


def difference(one: Recipe, other: Recipe) -> str:
    """Returns the first key in which two recipes differ, with both values."""
    left, right = _flat(one), _flat(other)
    for key in sorted(left.keys() | right.keys()):
        if left.get(key) != right.get(key):
            return f"{key} is {left.get(key)!r} here and {right.get(key)!r} there"
    return "they are equal"


def _flat(recipe: Recipe) -> Mapping[str, Any]:
    sections = recipe.model_dump(mode="json")
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
