"""Feature maps and decoder models for the tests that need no backbone."""

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from tests.layers.numpy_statements import normal

RESNET_CHANNELS = (256, 512, 1024, 2048)
SMALL_CHANNELS = (6, 8, 10, 12)


def pyramid(channels: Sequence[int], size: tuple[int, int] = (97, 161)) -> list[keras.KerasTensor]:
    """Returns symbolic feature maps at strides 4 to 32 of an image of `size`."""
    return [
        keras.Input((math.ceil(size[0] / stride), math.ceil(size[1] / stride), count))
        for stride, count in zip((4, 8, 16, 32), channels, strict=True)
    ]


def small_decoder(
    decoder: Callable[..., keras.KerasTensor], num_scales: int = 1, **options: object
) -> keras.Model:
    """Returns a decoder for 5 classes over small maps of odd sizes, always of the same weights.

    Further scales see the image at half the size of the one before.
    """
    keras.utils.set_random_seed(0)
    sizes = [(97 // 2**scale, 161 // 2**scale) for scale in range(num_scales)]
    features = [feature for size in sizes for feature in pyramid(SMALL_CHANNELS, size)]
    return keras.Model(features, decoder(features, 5, **options))


def random_features(model: keras.Model, batch: int = 1) -> list[np.ndarray]:
    return [normal(seed, batch, *tensor.shape[1:]) for seed, tensor in enumerate(model.inputs)]


def gradients(
    model: keras.Model, features: list[np.ndarray]
) -> tuple[list[tf.Tensor | None], dict[str, tf.Tensor | None]]:
    """Returns the gradients of a random projection of the logits.

    First with respect to the feature maps, then to the trainable weights, by their paths.
    """
    maps = [tf.constant(feature) for feature in features]
    weights = {weight.path: weight.value for weight in model.trainable_weights}
    with tf.GradientTape() as tape:
        tape.watch(maps)
        logits = model(maps, training=False)
        projection = tf.reduce_sum(logits * normal(99, *logits.shape))
    return tape.gradient(projection, [maps, weights])


def is_nonzero(gradient: tf.Tensor | None) -> bool:
    return gradient is not None and bool(np.any(gradient))
