"""The factor of the learning rate that each variable of a model has."""

from collections.abc import Mapping

import keras

from kerasseg.errors import KerassegError, unknown_name
from kerasseg.models.freezing import backbones_of

# The layer that gives the logits, in every architecture.
CLASSIFIER = "classifier"


def variable_multipliers(model: keras.Model, by_layer: Mapping[str, float]) -> dict[str, float]:
    """Returns the factor of each variable's path for factors given by layer.

    Args:
        model: A model as the builders return it. What does not train, such as a layer that is
            frozen by now, gets no factor.
        by_layer: Name of a layer of the model, a nested model as a rule, to its factor.

    Raises:
        KerassegError: If the model has no such layer, or a variable outside of it has the same
            path as one within, so that the factor could not tell them apart.

    Example:
        >>> head = keras.layers.Dense(2, name="head")
        >>> inputs = keras.Input((4,))
        >>> model = keras.Model(inputs, head(inputs))
        >>> variable_multipliers(model, {"head": 0.1})
        {'head/kernel': 0.1, 'head/bias': 0.1}
    """
    factors: dict[int, float] = {}
    names = [layer.name for layer in model.layers]
    for name, factor in by_layer.items():
        if name not in names:
            raise unknown_name("layer in the learning-rate multipliers", name, names)
        factors |= {id(variable): float(factor) for variable in model.get_layer(name).variables}
    return _by_path(model, factors)


def part_multipliers(
    model: keras.Model, *, backbone: float = 1.0, decoder: float = 1.0, head: float = 1.0
) -> dict[str, float]:
    """Returns the factor of each variable's path for factors given by part of the model.

    Args:
        model: A model of one of the builders, or a model that holds one. What does not train,
            such as a stage that is frozen by now, gets no factor.
        backbone: Factor of the backbone; of both in a model of two scales.
        decoder: Factor of all that is neither backbone nor head.
        head: Factor of the layer `"classifier"`, which gives the logits.

    Raises:
        KerassegError: If the model has no backbone, has no classifier although `head` differs
            from `decoder`, or two variables of different factors have the same path.

    Example:
        >>> import kerasseg
        >>> model = kerasseg.EfficientFCN("mobilenetv2", 5, backbone_weights=None)
        >>> factors = part_multipliers(model, backbone=0.1, head=10)
        >>> factors["Conv1/kernel"], factors["classifier/bias"], "assembly1/kernel" in factors
        (0.1, 10.0, False)
    """
    heads = [layer for layer in model._flatten_layers() if layer.name == CLASSIFIER]
    if not heads and head != decoder:
        raise KerassegError(
            f"the model {model.name!r} has no layer {CLASSIFIER!r} to give the head's multiplier "
            f"{head} to; give the head that of the decoder, which is {decoder}."
        )
    factors = {id(variable): float(decoder) for variable in model.trainable_variables}
    for part, factor in ((heads, head), (backbones_of(model), backbone)):
        factors |= {id(variable): float(factor) for each in part for variable in each.variables}
    return _by_path(model, factors)


def _by_path(model: keras.Model, factors: Mapping[int, float]) -> dict[str, float]:
    """Returns the factors other than 1 by path, for factors given by the id of the variable."""
    by_path: dict[str, float] = {}
    for variable in model.trainable_variables:
        factor = factors.get(id(variable), 1.0)
        if by_path.setdefault(variable.path, factor) != factor:
            raise KerassegError(
                f"two variables with different learning-rate multipliers are named "
                f"{variable.path!r}; give the layers of the backbone and the decoder names of "
                "their own."
            )
    return {path: factor for path, factor in by_path.items() if factor != 1.0}
