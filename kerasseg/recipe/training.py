"""The sections `[training]` and `[output]` of a recipe."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from kerasseg.errors import KerassegError
from kerasseg.recipe.section import Count, Positive, Section


class TrainingRecipe(Section):
    """`[training]`: how long and in which precision.

    Attributes:
        epochs: Passes over the training split.
        batch_size: Crops a step, on all devices together.
        validate_every: Epochs between two looks at the validation split, which is looked at
            after the last epoch in any case.
        stop_after: Validations in a row without a better mean IoU after which the training ends
            before its last epoch; 0 for never. The schedule of the learning rate is that of all
            epochs.
        precision: Keras' dtype policy: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`.
        batch_norm: Of the backbone: `"train"`; `"frozen_statistics"`, the stored statistics while
            gamma and beta train; or `"frozen"`, these too. See
            `kerasseg.experiment.training_graph`.
        frozen_stages: How many of the backbone's four stages do not train, from the input on.
        seed: Of the weights, the order, the crops and the dropout.
        deterministic: Whether the same seed gives the same weights bit for bit.
        jit_compile: Whether XLA compiles the step, which one GPU likes and a CPU does not.
        steps_per_execution: Steps in one call of the compiled function, which saves time where a
            step is short; logs and checks come once a call.
        devices: Names such as `"GPU:0"`; empty for all GPUs, or the CPU where there is none. Of
            several machines, those of each.
        wait_minutes: How long several machines wait for one another at the start.
    """

    epochs: Count
    batch_size: Count
    validate_every: Count = 1
    stop_after: Annotated[int, Field(ge=0)] = 0
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    batch_norm: Literal["train", "frozen_statistics", "frozen"] = "train"
    frozen_stages: Annotated[int, Field(ge=0, le=4)] = 0
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    deterministic: bool = True
    jit_compile: bool = False
    steps_per_execution: Count = 1
    devices: tuple[str, ...] = ()
    wait_minutes: Positive = 10.0

    @model_validator(mode="before")
    @classmethod
    def _moved(cls, values: Any) -> Any:
        if isinstance(values, dict) and "class_weights" in values:
            raise KerassegError(
                "training.class_weights is now loss.class_weights: move the line into a section "
                "[loss]."
            )
        return values

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
