"""One small member of each family of backbones, and what the tests ask of their maps."""

import functools
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import backbones
from tests.calibration import calibrate

FAMILIES = (
    "resnet50",
    "resnet50v2",
    "densenet121",
    "efficientnet_lite0",
    "efficientnetb0",
    "efficientnetv2b0",
    "mobilenet",
    "mobilenetv2",
    "mobilenetv3small",
    "mobilenetv3large",
    "vgg16",
)


def quickly(*names: str, among: Iterable[str] = FAMILIES) -> list[Any]:
    """Returns every family for a test that takes seconds: these always, the others if slow."""
    return [name if name in names else pytest.param(name, marks=pytest.mark.slow) for name in among]


@functools.cache
def shared(name: str) -> keras.Model:
    """Returns one backbone for all tests that leave it as it is.

    Its batch-norm statistics are those of a batch of noise, so that the signal reaches the
    coarsest map.
    """
    keras.utils.set_random_seed(0)
    model = backbones.create(name, weights=None)
    calibrate(model, images(2, 160, 160, seed=1))
    return model


def images(batch: int, height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Returns pixels of whole numbers 0..255, float32."""
    shape = (batch, height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape).astype("float32")


def sizes_at_the_strides(levels: Any, height: int, width: int) -> bool:
    """Returns whether each of four maps has the image's size over its stride, up or down."""
    return len(levels) == 4 and all(
        full // stride <= part <= -(-full // stride)
        for level, stride in zip(levels, (4, 8, 16, 32), strict=True)
        for part, full in zip(level.shape[1:3], (height, width), strict=True)
    )


def assert_same_maps(found: Any, expected: Any, tolerance: float = 1e-3) -> None:
    """Says that four maps differ by less than rounding explains, on the scale of their spread."""
    for level, reference in zip(found, expected, strict=True):
        level, reference = (np.asarray(tf.cast(one, tf.float32)) for one in (level, reference))
        assert level.shape == reference.shape
        assert reference.std() > 0
        assert np.abs(level - reference).max() <= tolerance * reference.std()
