"""The section `[optimizer]` of a recipe."""

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from kerasseg.errors import KerassegError
from kerasseg.recipe.section import Count, NotNegative, Positive, Section

# Keys that one optimizer or one schedule alone has.
_ONLY_FOR = {
    "momentum": ("name", "SGD"),
    "nesterov": ("name", "SGD"),
    "power": ("schedule", "poly"),
    "step_epochs": ("schedule", "step"),
    "step_factor": ("schedule", "step"),
    "plateau_patience": ("schedule", "plateau"),
    "plateau_factor": ("schedule", "plateau"),
}
_Part = Annotated[float, Field(gt=0, lt=1)]


class OptimizerRecipe(Section):
    """`[optimizer]`: the steps.

    Attributes:
        name: `"SGD"`, `"AdamW"`, or `"Muon"`: Keras' Muon for the kernels of convs
            (`kerasseg.optimizers.ConvMuon`), where the first conv of a backbone, the head,
            biases and batch norm take Adam's steps at the same rate.
        learning_rate: Of the decoder if its multiplier is 1, at the end of the warm-up.
        backbone_multiplier: The backbone's learning rate, as a part of that.
        decoder_multiplier: The decoder's, as a part of that.
        head_multiplier: That of the classifier, the layer that gives the logits.
        schedule: `"poly"`; `"cosine"`, to 0; `"step"`; `"plateau"`; or `"constant"`.
        power: Of `"poly"`.
        step_epochs: Of `"step"`: the epochs after which the rate drops, `[30, 40]`.
        step_factor: Of `"step"`: what the rate is multiplied by at each of them.
        plateau_patience: Of `"plateau"`: validations without a better mean IoU after which the
            rate drops; there is one every `training.validate_every` epochs.
        plateau_factor: Of `"plateau"`: what the rate is multiplied by.
        warmup_steps: Steps over which the learning rate rises, for any schedule.
        momentum: Of `"SGD"`.
        nesterov: Of `"SGD"`: whether the momentum looks a step ahead.
        weight_decay: Decay of kernels.
        weight_decay_kind: `"decoupled"` takes `rate * weight_decay` of each weight off beside
            the step. `"l2"` is the papers' term `weight_decay / 2 * sum(w ** 2)` of the loss,
            whose gradient is clipped and enters the momentum with the rest; with `"AdamW"` that
            is Adam with an L2 term.
        decay_biases: Whether biases decay too.
        decay_batch_norm: Whether gamma and beta decay too.
        clip_norm: The largest norm of the gradient of all variables together, by which a larger
            one is scaled down; 0 for no limit. It is that of the global batch, unscaled.
        accumulate_steps: Batches to a step of the optimizer, whose gradient is the mean of
            theirs: each batch counts the same, however many of its pixels are valid. Batch norm
            sees one batch at a time. `warmup_steps` and `average` count the optimizer's steps.
        average: Momentum of the moving average of the weights, which is what is evaluated and
            saved; 0 for none.
    """

    name: Literal["SGD", "AdamW", "Muon"] = "SGD"
    learning_rate: Positive
    backbone_multiplier: NotNegative = 0.1
    decoder_multiplier: NotNegative = 1.0
    head_multiplier: NotNegative = 1.0
    schedule: Literal["poly", "cosine", "step", "plateau", "constant"] = "poly"
    power: Positive = 0.9
    step_epochs: tuple[Count, ...] = ()
    step_factor: _Part = 0.1
    plateau_patience: Count = 5
    plateau_factor: _Part = 0.1
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    nesterov: bool = False
    weight_decay: NotNegative = 1e-4
    weight_decay_kind: Literal["decoupled", "l2"] = "decoupled"
    decay_biases: bool = False
    decay_batch_norm: bool = False
    clip_norm: NotNegative = 0.0
    accumulate_steps: Count = 1
    average: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _belong_together(self) -> "OptimizerRecipe":
        for key in _ONLY_FOR:
            if key in self.model_fields_set and not self._has(key):
                owner, value = _ONLY_FOR[key]
                raise KerassegError(
                    f"optimizer.{key} is for optimizer.{owner} = {value!r}; it is "
                    f"{getattr(self, owner)!r} here. Leave {key} out, or change {owner}."
                )
        self._check_steps()
        if self.nesterov and not self.momentum:
            raise KerassegError("optimizer.nesterov = true needs an optimizer.momentum above 0.")
        if self.name == "Muon" and self.weight_decay_kind == "l2":
            raise KerassegError(
                "optimizer.weight_decay_kind = 'l2' is for SGD and AdamW: the size of Muon's step "
                "does not depend on the gradient's. Give 'decoupled', Muon's own."
            )
        return self

    def _check_steps(self) -> None:
        epochs = self.step_epochs
        rising = all(one < other for one, other in pairwise(epochs))
        if self.schedule == "step" and not (epochs and rising):
            raise KerassegError(
                "optimizer.schedule = 'step' needs optimizer.step_epochs, the epochs after which "
                f"the rate drops, each later than the one before, as in [30, 40]; received "
                f"{list(epochs)}."
            )

    def _has(self, key: str) -> bool:
        owner, value = _ONLY_FOR.get(key, ("name", self.name))
        return bool(getattr(self, owner) == value)

    @model_serializer(mode="wrap")
    def _own_keys(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves out what another optimizer or schedule has: the text must read as the same."""
        return {key: value for key, value in serialize(self).items() if self._has(key)}
