"""A model as it is served: batch norm folded, dropout gone, in the precision that is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from kerasseg.errors import unknown_name
from kerasseg.layers import CodebookGeneration
from kerasseg.serving.folding import foldable, folded_config, folded_weights

PRECISIONS = ("float32", "bfloat16", "float16")
_DROPOUTS = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.AlphaDropout,
)


@dataclass(frozen=True)
class SlimModel:
    """What `slim` returns.

    Attributes:
        model: Computes what the original does in inference; it is not for training.
        folded: Names of the batch norms that are now in the conv before them.
        not_folded: Names of those that follow no conv directly, or one that has other uses.
    """

    model: keras.Model
    folded: tuple[str, ...]
    not_folded: tuple[str, ...]


class _Gone(keras.layers.Layer):
    """Stands for a layer that is left out; it is never called."""


def slim(model: keras.Model, *, fold: bool = True, precision: str | None = None) -> SlimModel:
    """Returns a copy of a model without dropout, and without batch norm wherever it can be folded.

    Args:
        model: A functional model; it is left as it is.
        fold: Whether to fold at all.
        precision: What the copy computes in, `"float32"`, `"bfloat16"` or `"float16"`; None for
            what the model does. What comes before the first weights and from the last ones on
            (normalization of pixels, the classifier, the resize of the logits) is in float32 in
            any case, and so is the codebook of EfficientFCN.

    Raises:
        KerassegError: If there is no such precision.

    Example:
        >>> images = keras.Input((None, None, 3))
        >>> x = keras.layers.BatchNormalization(name="bn")(keras.layers.Conv2D(4, 3)(images))
        >>> slim(keras.Model(images, x)).folded
        ('bn',)
    """
    if precision not in (None, *PRECISIONS):
        raise unknown_name("precision", precision, PRECISIONS)
    folds = {id(conv): (conv, norm) for conv, norm in foldable(model)} if fold else {}
    gone = {id(norm) for _, norm in folds.values()}
    policies = _policies(model, precision)
    copies: dict[int, keras.layers.Layer] = {}

    def copy(layer: Any) -> Any:
        if not isinstance(layer, keras.layers.Layer):
            return layer  # an operation of keras.ops, which holds nothing
        if id(layer) in gone or isinstance(layer, _DROPOUTS):
            return _Gone(name=layer.name)
        config = folded_config(layer) if id(layer) in folds else layer.get_config()
        if id(layer) in policies:
            config["dtype"] = policies[id(layer)]
        copies[id(layer)] = type(layer).from_config(config)
        return copies[id(layer)]

    # Made anew of its tensors, the model is not compiled: a loss would be copied too.
    plain = keras.Model(model.input, model.output, name=model.name)
    copied = keras.models.clone_model(
        plain, clone_function=copy, call_function=_call, recursive=True
    )
    layers = [*all_layers(model)]
    for layer in layers:
        if id(layer) in copies:
            weights = (
                folded_weights(*folds[id(layer)]) if id(layer) in folds else layer.get_weights()
            )
            copies[id(layer)].set_weights(weights)
    norms = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    return SlimModel(
        copied,
        folded=tuple(norm.name for norm in norms if id(norm) in gone),
        not_folded=tuple(norm.name for norm in norms if id(norm) not in gone),
    )


def all_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Gives the layers of a model and of those nested in it, each model before its layers."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)


def precision_of(model: keras.Model) -> str:
    """Returns what a model computes in: that of its layers which has the fewest bits."""
    used = {layer.compute_dtype for layer in all_layers(model)}
    return next((each for each in PRECISIONS[:0:-1] if each in used), "float32")


def _call(layer: Any, *arguments: Any, **keywords: Any) -> Any:
    return arguments[0] if isinstance(layer, _Gone) else layer(*arguments, **keywords)


def _policies(model: keras.Model, precision: str | None) -> dict[int, str]:
    """Returns the policy of each layer by its id; nothing where they keep their own."""
    if precision is None:
        return {}
    policies = {id(layer): "float32" for layer in all_layers(model)}
    if precision != "float32":
        policies |= {id(layer): f"mixed_{precision}" for layer in _inner_layers(model)}
    return policies


def _inner_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Gives the layers from the first with weights to before the classifier, the last with any."""
    weighted = _places_of_weights(model)
    layers = model.layers[weighted.start : weighted.stop - 1]
    for layer in layers:
        inner = [layer]
        if isinstance(layer, keras.Model):
            places = _places_of_weights(layer)
            inner = [each for part in layer.layers[places.start :] for each in _with_nested(part)]
        yield from (each for each in inner if not isinstance(each, CodebookGeneration))


def _with_nested(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    return [layer, *(all_layers(layer) if isinstance(layer, keras.Model) else ())]


def _places_of_weights(model: keras.Model) -> slice:
    """Returns from the first to behind the last layer with weights, in the order of the graph."""
    without = (*_DROPOUTS, keras.layers.Normalization)
    places = [
        place
        for place, layer in enumerate(model.layers)
        if layer.weights and not isinstance(layer, without)
    ]
    return slice(places[0], places[-1] + 1) if places else slice(0, 0)
