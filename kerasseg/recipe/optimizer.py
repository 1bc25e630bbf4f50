"""The section `[optimizer]` of a recipe."""

from typing import Annotated, Literal

from pydantic import Field

from kerasseg.recipe.section import NotNegative, Positive, Section


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
