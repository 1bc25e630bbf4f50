"""Small networks, and images for them."""

import keras
import numpy as np
import tensorflow as tf

import kerasseg
from kerasseg.layers import ResizeTo
from tests.tiny import tiny_backbone

SMALL = {
    "EfficientFCN": {"num_codewords": 4, "fusion_filters": 8, "codeword_filters": 8},
    "RefineNet": {"filters": 8, "coarse_filters": 8},
    "LightWeightRefineNet": {"filters": 8},
}
BATCHES = ((2, 45, 77), (1, 1, 1), (1, 3, 90), (1, 33, 31))


def network(name, num_classes=5, dtype=None):
    """A network on the tiny backbone, with statistics in its batch norms."""
    keras.utils.set_random_seed(3)
    policy = keras.config.dtype_policy()
    if dtype is not None:
        keras.config.set_dtype_policy(dtype)
    with tiny_backbone():
        model = getattr(kerasseg, name)("tiny", num_classes, backbone_weights=None, **SMALL[name])
    keras.config.set_dtype_policy(policy)
    random = np.random.default_rng(0)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            mean = layer.moving_mean
            mean.assign(random.normal(0, 0.1, mean.shape))
    return model


@keras.saving.register_keras_serializable(package="kerasseg-tests")
class Resized(keras.layers.Layer):
    """Three sevenths of the size and back, by a method of TensorFlow."""

    def __init__(self, method="bilinear", antialias=False, **kwargs):
        super().__init__(**kwargs)
        self.method = method
        self.antialias = antialias

    def call(self, x):
        size = tf.shape(x)[1:3]
        for sides in (3 * size // 7, size):
            x = tf.image.resize(x, sides, self.method, antialias=self.antialias)
        return x

    def get_config(self):
        return {**super().get_config(), "method": self.method, "antialias": self.antialias}


def model_with(layer):
    """Pixels to logits at the size of the input, by way of a layer at stride 2."""
    keras.utils.set_random_seed(0)
    images = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 64)(images)
    x = layer(keras.layers.Conv2D(5, 5, 2, padding="same")(x))
    return keras.Model(images, ResizeTo(dtype="float32", name="logits")(x, images))


def batch(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)


def probabilities(model, pixels):
    """What the Keras model says, which the files are compared with."""
    logits = model(tf.constant(pixels, tf.float32), training=False)
    return tf.nn.softmax(tf.cast(logits, tf.float32)).numpy()
