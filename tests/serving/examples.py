import io

import keras
import numpy as np
from PIL import Image

from kerasseg.layers import ResizeTo


def tiny_model(num_classes=5, activation=None, dtype=None):
    """Pixels to logits at the size of the input, by way of stride 4."""
    keras.utils.set_random_seed(7)
    images = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 64, dtype="float32")(images)
    x = keras.layers.Conv2D(num_classes, 5, 4, padding="same", dtype=dtype)(x)
    outputs = ResizeTo(dtype="float32", name="logits")(x, images)
    if activation is not None:
        outputs = keras.layers.Activation(activation, name="probabilities")(outputs)
    return keras.Model(images, outputs)


def deeper_model(num_classes=5, dtype=None):
    """As `tiny_model`, with a conv before the classifier, which 16 bits reach."""
    keras.utils.set_random_seed(7)
    images = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 64, dtype="float32")(images)
    x = keras.layers.Conv2D(8, 5, 2, padding="same", activation="relu", dtype=dtype)(x)
    x = keras.layers.Conv2D(num_classes, 3, 2, padding="same", dtype="float32")(x)
    return keras.Model(images, ResizeTo(dtype="float32", name="logits")(x, images))


def constant_model(num_classes, winner):
    """Gives every pixel the class `winner`."""
    images = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(num_classes, 1, kernel_initializer="zeros", name="logits")
    model = keras.Model(images, layer(images))
    layer.bias.assign(np.eye(num_classes)[winner])
    return model


def picture(height, width, seed=0):
    """An RGB image with large shapes in it, uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def encoded(pixels, image_format="PNG", **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, image_format, **options)
    return stream.getvalue()
