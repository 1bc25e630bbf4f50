"""The section `[loss]` of a recipe."""

import inspect
import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import keras
from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError, model_validator

from kerasseg import losses
from kerasseg.data.doctor.class_weights import WEIGHTINGS
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.losses.segmentation_loss import SegmentationLoss
from kerasseg.recipe.complaints import complaint
from kerasseg.recipe.model import ModelRecipe
from kerasseg.recipe.section import Count, Fraction, NotNegative, Positive, Section


class _Term(NamedTuple):
    """A loss, and by each key of the recipe the argument that it sets and its kind."""

    loss: type[SegmentationLoss]
    keys: dict[str, tuple[str, Any]]


_TERMS = {
    "boundary": _Term(
        losses.BoundaryCrossentropy,
        {"boundary_width": ("width", Count), "boundary_weight": ("weight", NotNegative)},
    ),
    "cross_entropy": _Term(losses.SegmentationCrossentropy, {}),
    "dice": _Term(losses.DiceLoss, {}),
    "focal": _Term(losses.FocalLoss, {"focal_gamma": ("gamma", NotNegative)}),
    "lovasz_softmax": _Term(losses.LovaszSoftmax, {"lovasz_per_image": ("per_image", bool)}),
    "ohem": _Term(
        losses.OHEMCrossentropy,
        {"ohem_threshold": ("threshold", Fraction), "ohem_min_kept": ("min_kept", Count)},
    ),
}
TERMS = tuple(_TERMS)
"""The names that `terms` knows."""


def _class_weights(value: Any) -> str | tuple[float, ...]:
    if isinstance(value, str):
        if value not in WEIGHTINGS:
            raise unknown_name("loss.class_weights", value, WEIGHTINGS)
        return value
    if not isinstance(value, Sequence):
        raise KerassegError(
            f"loss.class_weights is one number a class, or one of {', '.join(WEIGHTINGS)}; "
            f"received {value!r}."
        )
    for place, weight in enumerate(value):
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not is_number or not 0 <= weight < math.inf:
            raise KerassegError(
                f"loss.class_weights.{place}: a weight is a finite number of at least 0; received "
                f"{weight!r}."
            )
    if value and not any(value):
        raise KerassegError("loss.class_weights are all 0: nothing would be learned.")
    return tuple(map(float, value))


class LossRecipe(Section):
    """`[loss]`: what is minimised, and any key of the losses among its terms.

    These keys are `boundary_width` and `boundary_weight`, `focal_gamma`, `lovasz_per_image`,
    `ohem_threshold` and `ohem_min_kept`: arguments of the losses in `kerasseg.losses`.

    Attributes:
        terms: Names of losses, whose sum is the loss: `"cross_entropy"`, `"ohem"`, `"focal"`,
            `"dice"`, `"lovasz_softmax"`, `"boundary"`.
        term_weights: One factor a term; empty for 1.
        class_weights: One weight a class in every term; a rule of `kerasseg.data.class_weights`,
            `"median-frequency"` for example, which is applied to the pixels of the training
            split; or empty for 1.
        auxiliary_weight: Weight of the loss of each auxiliary head; 0 for none.
        auxiliary_strides: The maps of the backbone that have such a head, by their strides.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    terms: tuple[str, ...] = ("cross_entropy",)
    term_weights: tuple[Positive, ...] = ()
    class_weights: Annotated[str | tuple[float, ...], BeforeValidator(_class_weights)] = ()
    auxiliary_weight: NotNegative = 0.0
    auxiliary_strides: tuple[Literal[4, 8, 16, 32], ...] = (16,)

    @model_validator(mode="after")
    def _known(self) -> "LossRecipe":
        self._check_terms()
        self._check_auxiliary()
        options = self._options
        for key in sorted(options.keys() - self._keys().keys()):
            raise self._unknown_key(key)
        # Defaults are written out: the recipe says the same when a loss's default changes.
        for key, (argument, kind, loss) in self._keys().items():
            default = inspect.signature(loss).parameters[argument].default
            options[key] = _checked(key, options.get(key, default), kind)
        return self

    @property
    def _options(self) -> dict[str, Any]:
        """The keys beside the attributes, which pydantic keeps in a dictionary of its own."""
        return {} if self.model_extra is None else self.model_extra

    def _check_terms(self) -> None:
        for term in self.terms:
            if term not in _TERMS:
                raise unknown_name("loss in loss.terms", term, _TERMS)
        if not self.terms or len(set(self.terms)) < len(self.terms):
            raise KerassegError(
                f"loss.terms names one loss or more, each once; received {list(self.terms)}."
            )
        if self.term_weights and len(self.term_weights) != len(self.terms):
            raise KerassegError(
                f"loss.term_weights has {len(self.term_weights)} weights for {len(self.terms)} "
                "terms; give one a term, or none."
            )

    def _check_auxiliary(self) -> None:
        strides = self.auxiliary_strides
        if (
            not self.auxiliary_weight
            and strides != type(self).model_fields["auxiliary_strides"].default
        ):
            raise KerassegError(
                "loss.auxiliary_strides has no effect while loss.auxiliary_weight is 0; give it a "
                "weight, 0.4 for example."
            )
        if not strides or len(set(strides)) < len(strides):
            raise KerassegError(
                "loss.auxiliary_strides names strides of the backbone, 4, 8, 16 or 32, each once; "
                f"received {list(strides)}."
            )

    def _keys(self) -> dict[str, tuple[str, Any, type[SegmentationLoss]]]:
        """Returns argument, kind and loss of each key that the terms have."""
        terms = [_TERMS[term] for term in self.terms]
        return {
            key: (argument, kind, term.loss)
            for term in terms
            for key, (argument, kind) in term.keys.items()
        }

    def _unknown_key(self, key: str) -> KerassegError:
        for name, term in _TERMS.items():
            if key in term.keys:
                return KerassegError(
                    f"loss.{key} is for the loss {name!r}, and loss.terms is {list(self.terms)}; "
                    f"add {name!r} there, or leave the key out."
                )
        known = self._keys().keys() | type(self).model_fields.keys()
        return unknown_name("recipe key in [loss]", key, known)

    def check_model(self, model: ModelRecipe) -> None:
        """Raises a `KerassegError` if the model cannot have the auxiliary heads asked for."""
        scales = model.options.get("scales", (1.0,))
        if self.auxiliary_weight and tuple(scales) != (1.0,):
            raise KerassegError(
                f"loss.auxiliary_weight cannot go with model.scales = {list(scales)}: each scale "
                "has a backbone of its own, so that there is no one map of a stride for a head. "
                "Set it to 0, or train at one scale."
            )

    def build(self, ignore_label: int, class_weights: Sequence[float] | None) -> keras.losses.Loss:
        """Returns the loss.

        Args:
            ignore_label: The label of void pixels.
            class_weights: One number a class, to which a rule is resolved; None for 1.
        """
        terms = []
        for term in self.terms:
            keys = _TERMS[term].keys.items()
            arguments = {argument: self._options[key] for key, (argument, _) in keys}
            arguments |= {"ignore_label": ignore_label, "class_weights": class_weights}
            terms.append(_TERMS[term].loss(**arguments))
        if len(terms) == 1 and self.term_weights in ((), (1.0,)):
            return terms[0]
        return losses.WeightedSum(terms, self.term_weights or None)


def _checked(key: str, value: Any, kind: Any) -> Any:
    adapter = TypeAdapter(kind, config=ConfigDict(allow_inf_nan=False))
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise KerassegError(complaint(f"loss.{key}", error.errors()[0])) from None
