"""What the layers answer to arguments that are out of range."""

import math

import pytest

from kerasseg import layers
from kerasseg.errors import KerassegError

COUNTS = [
    ("ChainedResidualPooling", "filters", {}),
    ("ChainedResidualPooling", "num_blocks", {"filters": 4}),
    ("ChainedResidualPooling", "kernel_size", {"filters": 4}),
    ("MultiResolutionFusion", "kernel_size", {}),
    ("PadToMinimum", "minimum", {}),
    ("ResidualConvUnit", "filters", {}),
    ("ResizeBy", "minimum", {"scale": 0.6}),
]


@pytest.mark.parametrize(("layer", "argument", "others"), COUNTS)
@pytest.mark.parametrize("value", [0, -1, 2.5, True, "3", None])
def test_counts(layer, argument, others, value):
    with pytest.raises(KerassegError) as error:
        getattr(layers, layer)(**{argument: value}, **others)
    assert str(error.value) == (f"{argument} is a whole number of at least 1; received {value!r}.")


@pytest.mark.parametrize("scale", [0, -1.0, 0.0001, 1001, math.nan, math.inf, True, "1", None])
def test_scale(scale):
    with pytest.raises(KerassegError) as error:
        layers.ResizeBy(scale)
    assert str(error.value) == f"scale is a number from 0.001 to 1000; received {scale!r}."
