"""The optimizer that a recipe describes, with its learning rate over the run."""

import re
from typing import Any, TypeAlias

import keras

from kerasseg.callbacks import LearningRateLog, ReduceOnPlateau
from kerasseg.errors import KerassegError
from kerasseg.models.freezing import backbones_of
from kerasseg.optimizers.conv_muon import ConvMuon
from kerasseg.optimizers.loss_scaling import LossScaling
from kerasseg.optimizers.multiplied import with_multipliers
from kerasseg.optimizers.multipliers import CLASSIFIER, part_multipliers
from kerasseg.recipe import Recipe
from kerasseg.recipe.optimizer import OptimizerRecipe
from kerasseg.schedules import PlateauSchedule, PolySchedule, WarmUp

Schedule: TypeAlias = keras.optimizers.schedules.LearningRateSchedule


def schedule_of(recipe: Recipe, steps_per_epoch: int) -> Schedule:
    """Returns the learning rate of a recipe over the steps that its optimizer takes.

    Args:
        recipe: The recipe.
        steps_per_epoch: Batches in an epoch, of which the optimizer takes
            `optimizer.accumulate_steps` to a step.

    Raises:
        KerassegError: If the run is too short for a single step.

    Example:
        >>> from kerasseg.recipe import EXAMPLE, parse_recipe
        >>> settings = ["optimizer.schedule=step", "optimizer.step_epochs=[20]"]
        >>> schedule = schedule_of(parse_recipe(EXAMPLE, settings), steps_per_epoch=10)
        >>> [round(float(schedule(step)), 6) for step in (199, 200)]
        [0.0005, 5e-05]
    """
    wanted, epochs = recipe.optimizer, recipe.training.epochs
    rate, warmup = wanted.learning_rate, wanted.warmup_steps
    total = steps_per_epoch * epochs // wanted.accumulate_steps
    if not total:
        raise KerassegError(
            f"optimizer.accumulate_steps is {wanted.accumulate_steps}, and the run has "
            f"{steps_per_epoch * epochs} batches: give it no more, or more epochs."
        )
    if wanted.schedule == "poly":
        return PolySchedule(rate, total, warmup, wanted.power)
    if wanted.schedule == "plateau":
        return PlateauSchedule(rate, warmup)
    if wanted.schedule == "cosine":
        return WarmUp(keras.optimizers.schedules.CosineDecay(rate, total), warmup)
    if wanted.schedule == "step":
        return WarmUp(_drops(wanted, steps_per_epoch), warmup)
    return WarmUp(rate, warmup)


def _drops(wanted: OptimizerRecipe, steps_per_epoch: int) -> Schedule:
    # A step whose batches begin in one epoch and end in the next belongs to the next. Keras'
    # boundary is the last step of the higher rate.
    firsts = [epoch * steps_per_epoch // wanted.accumulate_steps for epoch in wanted.step_epochs]
    rates = [wanted.learning_rate * wanted.step_factor**i for i in range(len(firsts) + 1)]
    boundaries = [first - 1 for first in firsts]
    return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates)


def plateau_of(schedule: Schedule, recipe: Recipe) -> dict[str, ReduceOnPlateau]:
    """Returns the callback that lowers a plateau schedule, by its name; none for another one.

    Args:
        schedule: What `schedule_of` returned.
        recipe: The recipe.

    Example:
        >>> from kerasseg.recipe import EXAMPLE, parse_recipe
        >>> recipe = parse_recipe(EXAMPLE, ["optimizer.schedule=plateau"])
        >>> plateau_of(schedule_of(recipe, 10), recipe)["plateau"].patience
        5
    """
    if not isinstance(schedule, PlateauSchedule):
        return {}
    wanted = recipe.optimizer
    return {"plateau": ReduceOnPlateau(schedule, wanted.plateau_patience, wanted.plateau_factor)}


def learning_rate_log_of(recipe: Recipe) -> LearningRateLog:
    """Returns the callback that logs the learning rate, and that of each part with one of its own.

    Args:
        recipe: The recipe.

    Example:
        >>> from kerasseg.recipe import EXAMPLE, parse_recipe
        >>> learning_rate_log_of(parse_recipe(EXAMPLE)).multipliers
        {'backbone': 0.1}
    """
    wanted = recipe.optimizer
    return LearningRateLog(
        {
            "backbone": wanted.backbone_multiplier,
            "decoder": wanted.decoder_multiplier,
            "head": wanted.head_multiplier,
        }
    )


def optimizer_of(
    model: keras.Model, recipe: Recipe, schedule: Schedule
) -> keras.optimizers.Optimizer:
    """Returns the optimizer of a recipe, not yet built.

    Args:
        model: The plain model, with all frozen that is to be.
        recipe: The recipe.
        schedule: Its learning rate.

    Example:
        >>> import kerasseg
        >>> from kerasseg.recipe import EXAMPLE, parse_recipe
        >>> recipe = parse_recipe(EXAMPLE, ["optimizer.clip_norm=1"])
        >>> model = kerasseg.EfficientFCN("mobilenetv2", 5, backbone_weights=None)
        >>> optimizer = optimizer_of(model, recipe, schedule_of(recipe, 10))
        >>> type(optimizer).__name__, optimizer.global_clipnorm
        ('AdamWWithMultipliers', 1.0)
    """
    wanted = recipe.optimizer
    kind, own = _of_its_kind(model, wanted)
    accumulates = wanted.accumulate_steps > 1
    optimizer = with_multipliers(kind)(
        schedule,
        weight_decay=wanted.weight_decay,
        weight_decay_kind=wanted.weight_decay_kind,
        learning_rate_multipliers=part_multipliers(
            model,
            backbone=wanted.backbone_multiplier,
            decoder=wanted.decoder_multiplier,
            head=wanted.head_multiplier,
        ),
        global_clipnorm=wanted.clip_norm or None,
        gradient_accumulation_steps=wanted.accumulate_steps if accumulates else None,
        use_ema=wanted.average > 0,
        ema_momentum=wanted.average or 0.99,
        **own,
    )
    without_decay = [
        *(() if wanted.decay_biases else ("bias",)),
        *(() if wanted.decay_batch_norm else ("gamma", "beta")),
    ]
    optimizer.exclude_from_weight_decay(var_names=[f"^{name}$" for name in without_decay])
    if recipe.training.precision == "mixed_float16":
        return LossScaling(optimizer)
    return optimizer


def _of_its_kind(model: keras.Model, wanted: OptimizerRecipe) -> tuple[Any, dict[str, Any]]:
    """Returns the class of the optimizer and the arguments that it alone has."""
    if wanted.name == "SGD":
        return keras.optimizers.SGD, {"momentum": wanted.momentum, "nesterov": wanted.nesterov}
    if wanted.name == "AdamW":
        return keras.optimizers.AdamW, {}
    ends = [f"^{CLASSIFIER}/", *(f"^{_first_conv(one)}/" for one in backbones_of(model))]
    return ConvMuon, {"exclude_layers": ends, "adam_weight_decay": wanted.weight_decay}


def _first_conv(backbone: keras.Model) -> str:
    """Returns a pattern for the name of the first layer with a kernel of a conv."""
    kernels = (
        weight.path.rpartition("/")[0]
        for layer in backbone.layers
        for weight in layer.weights
        if len(weight.shape) == 4
    )
    return re.escape(next(kernels, ""))
