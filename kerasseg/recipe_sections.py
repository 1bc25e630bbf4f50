"""The sections of a recipe: what each key means and which values it takes."""

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

import keras
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from kerasseg import data, models
from kerasseg.backbones import catalogue, dilated
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.models.arguments import why_not

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

Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class Section(BaseModel):
    """A part of a recipe: no unknown keys, no infinite numbers, no change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ModelRecipe(Section):
    """`[model]`: the builder, and any argument of the builder beside those named here.

    Attributes:
        architecture: A key of `ARCHITECTURES`, `"EfficientFCN"` for example.
        backbone: A name of `kerasseg.backbones.names()`.
        backbone_weights: `"imagenet"`, the path of a file, or `"none"` for random ones.
        weights: The path of a file with weights of the whole model, such as another run's
            `model.keras`, that training starts from in their place; `"none"` for no such file.
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
            message = " or ".join(dict.fromkeys(each["msg"] for each in error.errors()))
            raise KerassegError(f"model.{key}: {message}; received {value!r}.") from None
        (self.model_extra or {})[key] = checked

    @property
    def options(self) -> dict[str, Any]:
        """The builder's own arguments, those that the recipe leaves out at their defaults."""
        return dict(self.model_extra or {})


class AugmentationRecipe(Section):
    """`[augmentation]`: the random draws of training; see `kerasseg.data.Augmentation`."""

    crop_size: tuple[Count, Count]
    scale: tuple[Positive, Positive] = (0.5, 2.0)
    flip: bool = True
    brightness: NotNegative = 0.0
    contrast: NotNegative = 0.0
    saturation: NotNegative = 0.0
    hue: NotNegative = 0.0
    crop: str = "uniform"
    rotation: NotNegative = 0.0
    vertical_flip: bool = False
    blur_probability: Fraction = 0.0
    blur_sigma: tuple[Positive, Positive] = (0.3, 2.0)
    jpeg_probability: Fraction = 0.0
    jpeg_quality: tuple[Count, Count] = (30, 90)
    cutout_probability: Fraction = 0.0
    cutout_size: tuple[NotNegative, NotNegative] = (0.1, 0.4)
    grid_mask_probability: Fraction = 0.0
    grid_mask_ratio: tuple[NotNegative, NotNegative] = (0.2, 0.5)
    cutmix_probability: Fraction = 0.0
    copy_paste_probability: Fraction = 0.0
    photometric: str = "tensorflow"

    @model_validator(mode="after")
    def _usable(self) -> "AugmentationRecipe":
        self.build()
        return self

    def build(self) -> data.Augmentation:
        """Returns the draws as a function of image, label map and seed."""
        return data.Augmentation(**self.model_dump())


class OptimizerRecipe(Section):
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


class TrainingRecipe(Section):
    """`[training]`: how long and in which precision.

    Attributes:
        epochs: Passes over the training split.
        batch_size: Crops a step, on all devices together.
        validate_every: Epochs between two looks at the validation split, which is looked at
            after the last epoch in any case.
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
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    deterministic: bool = True
    jit_compile: bool = False
    devices: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _compiled(self) -> "TrainingRecipe":
        if self.jit_compile and self.deterministic:
            raise KerassegError(
                "training.jit_compile = true needs training.deterministic = false: Keras leaves "
                "XLA out where every operation has to be deterministic."
            )
        return self


class OutputRecipe(Section):
    """`[output]`: what is left in the run directory beside the weights.

    Attributes:
        pictures: How many validation images are shown with truth and prediction.
        saved_model: Whether a SavedModel is written to `serving/` at the end.
    """

    pictures: Annotated[int, Field(ge=0)] = 4
    saved_model: bool = False
