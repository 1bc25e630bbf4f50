"""KerasHub's backbones, whose feature maps lie in a dictionary `pyramid_outputs`.

KerasHub keeps preprocessing out of its backbones: the image converter of the same preset scales
and shifts the pixels before them. A backbone does not know its converter, so nothing can be
filled in here: the converter is given along, or the network gets the pixels 0..255 as they are.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasseg.backbones.own_model import STRIDES, check_channels, run_once, stride_of
from kerasseg.backbones.rewiring import rewired
from kerasseg.errors import KerassegError
from kerasseg.layers.pixel_normalization import PixelNormalization

_PACKAGE = str(Path(__file__).parents[1]) + os.sep


def has_pyramid(model: keras.Model) -> bool:
    """Returns whether a model offers its feature maps as KerasHub's backbones do."""
    return isinstance(getattr(model, "pyramid_outputs", None), dict)


def pyramid(model: keras.Model, channels: int = 3, image_converter: Any = None) -> keras.Model:
    """Returns a model from pixels to the four feature maps of a KerasHub backbone.

    It is made of the backbone's own layers. The maps are found by their sizes, since not every
    backbone counts P1, P2 ... by powers of two; where two lie at one stride, the later one is
    taken.

    Args:
        model: A backbone with `pyramid_outputs`.
        channels: Of the images that it is to take.
        image_converter: The `keras_hub.layers.ImageConverter` of the same preset, whose scale
            and offset become the model's normalization, in float32 under every precision
            policy. What it resizes or crops is left out. Without one a warning says what is
            missing.

    Raises:
        KerassegError: If a stride of 4, 8, 16 and 32 is missing, or the model takes other
            images.
    """
    check_channels(model, channels)
    levels = _at_the_strides(model, channels)
    if image_converter is None:
        warnings.warn(
            f"KerasHub keeps preprocessing out of its backbones, so {model.name!r} gets the "
            "pixels 0..255 as they are. For what its preset was trained on, give "
            "kerasseg.backbones.create(backbone, image_converter=...) as backbone.",
            stacklevel=_level_of_the_user(),
        )
        return levels
    pixels = keras.Input(model.inputs[0].shape[1:], name="pixels", dtype="float32")
    normalized = _normalization(image_converter, channels)(pixels)
    # Not every layer of KerasHub can be made anew from its config.
    return rewired(levels, normalized, shared=True)


def _at_the_strides(model: Any, channels: int) -> keras.Model:
    """Returns a model of the layers of a backbone, with its four maps as outputs."""
    outputs = model.pyramid_outputs
    strides = _strides(model, channels) if outputs else []
    found = dict(zip(strides, outputs.values(), strict=True))
    missing = [str(stride) for stride in STRIDES if stride not in found]
    if missing:
        levels = zip(outputs, strides, strict=True)
        offered = ", ".join(f"{name} at {stride}" for name, stride in levels)
        raise KerassegError(
            f"the backbone {model.name!r} has no map at stride {', '.join(missing)}: its "
            f"pyramid_outputs are {offered or 'empty'}.\nA decoder needs the strides 4, 8, 16, 32."
        )
    return keras.Model(model.inputs[0], [found[stride] for stride in STRIDES], name=model.name)


def _strides(model: Any, channels: int) -> list[int | str]:
    every = keras.Model(model.inputs[0], list(model.pyramid_outputs.values()))
    size, maps = run_once(every, channels)
    return [stride_of(size, level.shape[1:3]) for level in maps]


def _normalization(image_converter: Any, channels: int) -> PixelNormalization:
    """Returns the layer that does `pixel * scale + offset`."""
    scale, offset = (
        np.broadcast_to(neutral if value is None else value, channels).astype(float)
        for value, neutral in ((image_converter.scale, 1.0), (image_converter.offset, 0.0))
    )
    mean, std = -offset / scale, 1 / scale
    return PixelNormalization(mean.tolist(), std.tolist(), name="normalization")


def _level_of_the_user() -> int:
    """Returns the `stacklevel` at which the caller's warning names a line outside of kerasseg.

    `backbones.create` is called by the user or by a builder, which lie at different depths.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    return level
