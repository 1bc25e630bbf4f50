"""The smallest backbone and recipe that a whole run takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import keras

from kerasseg.backbones import catalogue

RECIPE = """
[model]
architecture = "EfficientFCN"
backbone = "tiny"
backbone_weights = "none"
num_codewords = 4
fusion_filters = 8
codeword_filters = 8
dropout = 0.3

[data]
dataset = "folder"
class_names = ["ground", "box", "ball"]

[augmentation]
crop_size = [64, 64]
brightness = 0.1

[optimizer]
name = "AdamW"
learning_rate = 1e-2
backbone_multiplier = 0.5
warmup_steps = 1
average = 0.8

[training]
epochs = 3
batch_size = 2
validate_every = 2
precision = "mixed_bfloat16"

[output]
pictures = 2
"""

REFINENET = """
[model]
architecture = "RefineNet"
backbone = "tiny"
backbone_weights = "none"
filters = 8
coarse_filters = 8

[data]
dataset = "folder"
class_names = ["ground", "box", "ball"]

[augmentation]
crop_size = [64, 64]

[optimizer]
name = "SGD"
learning_rate = 1e-2

[training]
epochs = 1
batch_size = 2
validate_every = 9
batch_norm = "frozen_statistics"
frozen_stages = 1

[output]
pictures = 0
"""


def network(pixels: keras.KerasTensor, weights: object) -> keras.Model:
    """Five strided convs, each with batch norm; a depthwise conv before the first map."""
    x = pixels
    for stage, channels in enumerate((4, 6, 8, 10, 12)):
        conv = keras.layers.Conv2D(channels, 3, 2, "same", use_bias=False, name=f"conv{stage}")
        x = keras.layers.BatchNormalization(momentum=0.8, name=f"bn{stage}")(conv(x))
        if stage == 0:
            x = keras.layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
        x = keras.layers.ReLU(name=f"map{stage}")(x)
    (source,) = keras.utils.get_source_inputs(pixels)
    return keras.Model(source, x)


@contextmanager
def tiny_backbone() -> Iterator[None]:
    """Puts `network` into the catalogue of backbones as `"tiny"`."""
    maps = ("map1", "map2", "map3", "map4")
    normalization = {"mean": (128.0,) * 3, "std": (64.0,) * 3}
    entry = catalogue.Backbone(network, maps, normalization)
    with patch.dict(catalogue._BACKBONES, tiny=entry):
        yield
