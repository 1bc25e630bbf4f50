"""Models whose answers are known."""

import keras
import numpy as np

from tests.data.files import LABELS


def reads_green(name: str = "logits") -> keras.Model:
    """A model that is right: `write_folder` paints class n with a green of 100 n."""
    images = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(LABELS.num_classes, 1, name=name)
    model = keras.Model(images, layer(images))
    slopes, offsets = np.zeros((1, 1, 3, 3)), -((100.0 * np.arange(3)) ** 2)
    slopes[0, 0, 1] = 2 * 100 * np.arange(3)
    layer.set_weights([slopes / 2000, offsets / 2000])
    return model


def random_model(side: int = 5, classes: int = 3, seed: int = 3) -> keras.Model:
    """A conv of random weights, whose answers depend on neighbours."""
    images = keras.Input((None, None, 3))
    start = keras.initializers.RandomNormal(stddev=0.01, seed=seed)
    logits = keras.layers.Conv2D(
        classes, side, padding="same", name="logits", kernel_initializer=start
    )
    return keras.Model(images, logits(images))


def random_image(*size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)
