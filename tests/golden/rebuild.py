"""Rebuilds the weights and inputs of a golden output from their names, and compares.

Every tensor is drawn from the CRC-32 of its name, so that another framework can make the same.
"""

import math
import re
import zlib
from functools import partial

import keras
import numpy as np

import kerasseg
from kerasseg.errors import KerassegError

CHANNELS = {4: 256, 8: 512, 16: 1024, 32: 2048}
BATCH = 2
STATISTICS = {"moving_mean": "mean", "moving_variance": "var"}


def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the float32 tensor of a name; its last part says which kind of tensor it is."""
    r = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    kind = name.rsplit("/", 1)[-1]
    if kind == "kernel":
        r = r * math.sqrt(1 / math.prod(shape[:3]))
    elif kind in ("bias", "beta", "mean"):
        r = 0.1 * r
    elif kind == "gamma":
        r = 1 + 0.1 * r
    elif kind == "var":
        r = 1 + 0.2 * np.abs(r)
    else:
        r = np.maximum(r, 0)
    return r.astype(np.float32)


def golden_name(path: str) -> str:
    """Returns the name that the golden files give to a weight of one of our decoders."""
    layer, *inner, kind = path.split("/")
    layer = re.sub(r"^(stride\d+)_", r"\1/", layer.removesuffix("_bn"))
    name = "/".join([layer, *inner, STATISTICS.get(kind, kind)])
    return name.replace("fuse/conv1", "fuse_path").replace("fuse/conv2", "fuse_coarse")


def decoder_model(
    decoder: str, size: tuple[int, int], classes: int, codewords: int = 256
) -> keras.Model:
    """Returns the decoder of an architecture over the feature maps of an image of `size`."""
    inputs = [
        keras.Input((math.ceil(size[0] / stride), math.ceil(size[1] / stride), channels))
        for stride, channels in CHANNELS.items()
    ]
    decode = {
        "refinenet": partial(kerasseg.refinenet_decoder, pooling_blocks=4),
        "efficientfcn": partial(kerasseg.efficientfcn_decoder, num_codewords=codewords),
    }[decoder]
    return keras.Model(inputs, decode(inputs, classes, align_corners=True))


def rebuilt_logits(model: keras.Model, prefix: str) -> np.ndarray:
    """Returns the logits of a decoder whose weights and inputs are drawn for `prefix`."""
    for weight in model.weights:
        weight.assign(drawn(f"{prefix}/{golden_name(weight.path)}", tuple(weight.shape)))
    features = [
        drawn(f"{prefix}/c{number}", (BATCH, *tensor.shape[1:]))
        for number, tensor in enumerate(model.inputs, start=2)
    ]
    return np.asarray(model(features, training=False))


def ratio(logits: np.ndarray, golden: np.ndarray) -> float:
    """Returns the largest difference, in standard deviations of the golden logits."""
    if logits.shape != golden.shape:
        raise KerassegError(
            f"the rebuilt logits have the shape {logits.shape}, the golden ones {golden.shape}: "
            "give the size and the classes that they were made with."
        )
    return float(np.abs(logits - golden).max() / golden.std())
