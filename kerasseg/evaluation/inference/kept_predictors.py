"""The predictors that a model was given before, so that each is compiled once."""

from collections.abc import Sequence

import keras

from kerasseg.evaluation.inference.predictor import Predictor
from kerasseg.evaluation.inference.protocol import Protocol, protocol_of
from kerasseg.evaluation.inference.replicas import copy_weights


def predictor_of(
    model: keras.Model, protocol: str | Protocol = "whole", devices: Sequence[str] = ()
) -> Predictor:
    """Returns the `Predictor` that a model was given before, or a new one, which it then keeps.

    One device, whether named or not, sees the model itself. Several have copies of the weights,
    which may have changed since the call before: they are copied again at every call, which takes
    far less than compiling does, and stay on the devices for as long as there is the model.
    """
    # In the instance's own dictionary, past Keras, which would count it to what is saved; and
    # gone with the model. A model that was quantized has other variables than its graph knows.
    variables = tuple(map(id, model.variables))
    of, kept = model.__dict__.get("_kerasseg_predictors", (None, {}))
    if of != variables:
        kept = {}
        model.__dict__["_kerasseg_predictors"] = variables, kept
    wanted, chosen = protocol_of(protocol), tuple(devices)
    predictors = kept.setdefault(chosen, {})
    if wanted not in predictors:
        views = wanted.of_views_alone
        same = (each for each in predictors if each.of_views_alone == views)
        other = next(same, None)
        predictors[wanted] = (
            predictors[other].under(wanted) if other else Predictor(model, wanted, chosen)
        )
    found: Predictor = predictors[wanted]
    copy_weights(model, found.views.model, found.strategy)
    return found
