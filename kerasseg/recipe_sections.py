"""The sections of a recipe: what each key means and which values it takes."""

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

import keras
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from kerasseg import data, models
from kerasseg.backbones import catalogue, dilated
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import Colour
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


class DataRecipe(Section):
    """`[data]`: which pictures.

    Attributes:
        dataset: A name of the catalogue, or `"folder"` for a directory of one's own.
        directory: Where it lies, unless the command says `--data-dir`.
        class_names: For `"folder"`: one name a class, in the order of the label values; at
            least two.
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

    @model_validator(mode="after")
    def _known(self) -> "DataRecipe":
        names = ("folder", *data.names())
        if self.dataset not in names:
            raise unknown_name("data set", self.dataset, names)
        if self.dataset == "folder":
            self._check_several_classes()
            return self
        for key in ("class_names", "palette", "ignore_label"):
            if getattr(self, key) != type(self).model_fields[key].default:
                raise KerassegError(
                    f"data.{key} is for data.dataset = 'folder'; {self.dataset!r} has its own."
                )
        return self

    def _check_several_classes(self) -> None:
        if len(self.class_names) == 1:
            only = self.class_names[0]
            raise KerassegError(
                f"data.class_names names {only!r} alone: name the background too, as in "
                f'["background", "{only}"]. A mask of one thing has two classes.'
            )


class AugmentationRecipe(Section):
    """`[augmentation]`: the random draws of training; see `kerasseg.data.training_batches`."""

    crop_size: tuple[Count, Count]
    scale: tuple[Positive, Positive] = (0.5, 2.0)
    flip: bool = True
    brightness: NotNegative = 0.0
    contrast: NotNegative = 0.0
    saturation: NotNegative = 0.0

    @model_validator(mode="after")
    def _usable(self) -> "AugmentationRecipe":
        data.Augmentation(**self.model_dump())
        return self


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
