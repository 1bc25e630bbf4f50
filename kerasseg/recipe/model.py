"""The section `[model]` of a recipe."""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import keras
from pydantic import ConfigDict, TypeAdapter, ValidationError, model_validator

from kerasseg import models
from kerasseg.backbones import catalogue, dilated
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.models.arguments import why_not
from kerasseg.recipe.complaints import wanted
from kerasseg.recipe.section import Section

ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {
    "DilatedFCN": models.DilatedFCN,
    "EfficientFCN": models.EfficientFCN,
    "LightWeightRefineNet": models.LightWeightRefineNet,
    "RefineNet": models.RefineNet,
}
# The recipe gives these to a builder itself, or a run has no use for them: a fixed input shape
# would not take both the crops and the whole images, and a loss takes logits of their size.
_NOT_OPTIONS = {
    "backbone",
    "num_classes",
    "input_shape",
    "backbone_weights",
    "weights",
    "activation",
    "upsample",
    "name",
}


class ModelRecipe(Section):
    """`[model]`: the builder, and any argument of the builder beside those named here.

    Attributes:
        architecture: `"RefineNet"`, `"LightWeightRefineNet"`, `"EfficientFCN"` or `"DilatedFCN"`.
        backbone: A name of `kerasseg.backbones.names()`.
        backbone_weights: `"imagenet"`, the path of a file, or `"none"` for random ones.
        weights: The path of a file with weights of the whole model, such as another run's
            `model.keras`, that training starts from in their place; `"none"` for no such file. An
            architecture and classes other than those of the run do not fit.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    architecture: str
    backbone: str = "resnet101"
    backbone_weights: str = "imagenet"
    weights: str = "none"

    @model_validator(mode="after")
    def _known(self) -> "ModelRecipe":
        if self.architecture not in ARCHITECTURES:
            raise unknown_name("architecture", self.architecture, ARCHITECTURES)
        catalogue.find(self.backbone)
        if self.architecture == "DilatedFCN" and self.backbone not in dilated.NAMES:
            raise KerassegError(
                f"model.backbone {self.backbone!r} is none of DilatedFCN's, which takes "
                f"{', '.join(dilated.NAMES)}: their strides can become dilation."
            )
        parameters = inspect.signature(ARCHITECTURES[self.architecture]).parameters
        accepted = {key: parameters[key] for key in parameters.keys() - _NOT_OPTIONS}
        for key in sorted(self.options.keys() - accepted.keys()):
            raise self._unknown_key(key, accepted.keys() | type(self).model_fields.keys())
        # Defaults are written out: the recipe says the same when a builder's default changes.
        values = {key: parameter.default for key, parameter in accepted.items()} | self.options
        for key in sorted(accepted):
            self._set_option(key, values[key], accepted[key].annotation)
        return self

    def _unknown_key(self, key: str, accepted: Iterable[str]) -> KerassegError:
        if reason := why_not(key):
            return KerassegError(f"model.{key} is no recipe key for {self.architecture}: {reason}")
        return unknown_name("recipe key in [model]", key, accepted)

    def _set_option(self, key: str, value: Any, kind: Any) -> None:
        try:
            checked = TypeAdapter(kind).validate_python(value)
        except ValidationError as error:
            told = dict.fromkeys(map(wanted, error.errors()))
            message = " or ".join(told).replace(" or give ", " or ")
            raise KerassegError(f"model.{key}: {message}; received {value!r}.") from None
        if self.model_extra is not None:  # empty where the recipe gives none
            self.model_extra[key] = checked

    def check_weights(self) -> None:
        """Raises a `KerassegError` if there is no file where `weights` says."""
        if self.weights != "none" and not Path(self.weights).is_file():
            raise KerassegError(
                f"model.weights: no such file: {self.weights}. It is what the run before this one "
                "leaves: let that run end first, or say where another model.keras lies, as in "
                "--set model.weights=runs/NAME/model.keras; --set model.weights=none starts "
                "without one."
            )

    @property
    def options(self) -> dict[str, Any]:
        """The builder's own arguments, those that the recipe leaves out at their defaults."""
        return dict(self.model_extra or {})
