"""The predictors that a model was given before, so that each is compiled once."""

from collections.abc import Sequence

import keras

from kerasseg.evaluation.inference.predictor import Predictor
from kerasseg.evaluation.inference.protocol import Protocol, protocol_of


def predictor_of(
    model: keras.Model, protocol: str | Protocol = "whole", devices: Sequence[str] = ()
) -> Predictor:
    """Returns the `Predictor` that a model was given before, or a new one, which it then keeps.

    Of several devices a new one each time, since they have copies of the weights.
    """
    if devices:
        return Predictor(model, protocol, devices)
    # In the instance's own dictionary, past Keras, which would count it to what is saved; and
    # gone with the model. A model that was quantized has other variables than its graph knows.
    variables = tuple(map(id, model.variables))
    of, kept = model.__dict__.get("_kerasseg_predictors", (None, {}))
    if of != variables:
        kept = {}
        model.__dict__["_kerasseg_predictors"] = variables, kept
    key = protocol_of(protocol)
    if key not in kept:
        same = (each for each in kept if each.of_views_alone == key.of_views_alone)
        other = next(same, None)
        kept[key] = kept[other].under(key) if other else Predictor(model, key)
    return kept[key]
