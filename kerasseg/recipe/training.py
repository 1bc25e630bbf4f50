"""The sections `[training]` and `[output]` of a recipe."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from kerasseg.errors import KerassegError
from kerasseg.recipe.section import Count, NotNegative, Section


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
        steps_per_execution: Steps in one call of the compiled function, which saves time where a
            step is short; logs and checks come once a call.
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
    steps_per_execution: Count = 1
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
