"""Arguments under the names of other packages get an error that says the name used here."""

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec

import keras

from kerasseg.errors import KerassegError, unknown_name

P = ParamSpec("P")

_CLASSES = "num_classes=..."
_BACKBONE = "backbone=..., a name of kerasseg.backbones.names()"
_WEIGHTS = "backbone_weights=..., which is 'imagenet', the path of a file, or None"
_CHANNELS = "input_shape=(None, None, channels)"
_SIZE = "input_shape=(height, width, channels), None for a side that varies"
_ACTIVATION = "activation='softmax', 'sigmoid' or None"
_FREEZE = "nothing here, and call kerasseg.freeze_backbone(model) afterwards"
_PIXELS = "nothing here: the model takes RGB pixels 0..255 and normalises them itself"
_PRECISION = "nothing here, and call keras.config.set_dtype_policy('mixed_bfloat16') before"

# What segmentation packages and the model zoos of Keras and PyTorch call them.
_ELSEWHERE = {
    "classes": _CLASSES,
    "n_classes": _CLASSES,
    "nclass": _CLASSES,
    "num_labels": _CLASSES,
    "backbone_name": _BACKBONE,
    "encoder": _BACKBONE,
    "encoder_name": _BACKBONE,
    "image_encoder": _BACKBONE,
    "base_model": _BACKBONE,
    "encoder_weights": _WEIGHTS,
    "weights_backbone": _WEIGHTS,
    "pretrained": _WEIGHTS,
    "pretrained_backbone": _WEIGHTS,
    "in_channels": _CHANNELS,
    "in_chans": _CHANNELS,
    "input_channels": _CHANNELS,
    "input_size": _SIZE,
    "image_size": _SIZE,
    "image_shape": _SIZE,
    "img_size": _SIZE,
    "final_activation": _ACTIVATION,
    "classifier_activation": _ACTIVATION,
    "encoder_freeze": _FREEZE,
    "freeze_encoder": _FREEZE,
    "freeze_backbone": _FREEZE,
    "preprocessing": _PIXELS,
    "preprocess_input": _PIXELS,
    "include_preprocessing": _PIXELS,
    "dtype": _PRECISION,
    "dtype_policy": _PRECISION,
}

# Arguments of some builders that the others do not have, for a reason.
_REASONS = {
    "rematerialize": (
        "its decoder has no block that could be computed once more and save memory:\n"
        "each is one conv, or holds batch norm or dropout, which would update their statistics "
        "twice or draw another mask. RefineNet and LightWeightRefineNet take it."
    )
}


def friendly_arguments(builder: Callable[P, keras.Model]) -> Callable[P, keras.Model]:
    """Returns a builder that answers an unknown argument with the right one.

    Name, signature and docstring stay those of the builder.

    Raises:
        KerassegError: By the builder, for an argument that it has not: the message gives the
            argument that other packages call so, or the nearest name.

    Example:
        >>> @friendly_arguments
        ... def Network(num_classes: int = 21) -> keras.Model: ...
        >>> Network(classes=5)
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: Network has no argument 'classes': say num_classes=....
    """
    accepted = tuple(inspect.signature(builder).parameters)

    @functools.wraps(builder)
    def build(*args: P.args, **kwargs: P.kwargs) -> keras.Model:
        for argument in kwargs:
            if argument not in accepted:
                raise _unknown(builder.__name__, argument, accepted)
        return builder(*args, **kwargs)

    return build


def _unknown(builder: str, argument: str, accepted: tuple[str, ...]) -> KerassegError:
    if argument in _ELSEWHERE:
        return KerassegError(f"{builder} has no argument {argument!r}: say {_ELSEWHERE[argument]}.")
    if reason := why_not(argument):
        return KerassegError(f"{builder} has no argument {argument!r}: {reason}")
    return unknown_name(f"argument of {builder}", argument, accepted)


def why_not(argument: str) -> str | None:
    """Returns why a builder lacks an argument that others have; None where there is no reason.

    Example:
        >>> why_not("rematerialize").startswith("its decoder has no block")
        True
    """
    return _REASONS.get(argument)
