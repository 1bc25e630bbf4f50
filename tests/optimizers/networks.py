"""A network, optimizers and gradients that the tests of this room share."""

from typing import ClassVar

import keras
import numpy as np

from kerasseg.optimizers import ConvMuon, variable_multipliers, with_multipliers


def _muon(rate, **more):
    return with_multipliers(ConvMuon)(rate, adam_weight_decay=more.get("weight_decay"), **more)


OPTIMIZERS = {
    "SGD": lambda rate, **more: with_multipliers(keras.optimizers.SGD)(rate, 0.9, **more),
    "AdamW": lambda rate, **more: with_multipliers(keras.optimizers.AdamW)(rate, **more),
    "Muon": _muon,
}


def network(batch_norm=True):
    """A nested backbone and a head, with batch norm and biases in both; all weights nonzero."""
    keras.utils.set_random_seed(3)

    def conv(x, filters, name):
        if batch_norm:
            x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
        return keras.layers.Conv2D(filters, 1, name=name, bias_initializer="random_normal")(x)

    pixels, images = keras.Input((4, 4, 3)), keras.Input((4, 4, 3))
    backbone = keras.Model(pixels, keras.layers.ReLU()(conv(pixels, 5, "stem")), name="backbone")
    return keras.Model(images, conv(backbone(images), 2, "head"))


def examples(count=6):
    generator = np.random.default_rng(1)
    return generator.normal(size=(count, 4, 4, 3)), generator.normal(size=(count, 4, 4, 2))


def changes(optimizer, model=None, steps=1, batch_size=6):
    """Returns by how much `steps` epochs of six images change each trainable variable."""
    model = model or network()
    before = {v.path: v.numpy() for v in model.trainable_variables}
    alone = model.distribute_strategy.num_replicas_in_sync == 1
    model.compile(optimizer, "mse", run_eagerly=alone)
    model.fit(*examples(), batch_size=batch_size, epochs=steps, shuffle=False, verbose=0)
    return {v.path: v.numpy() - before[v.path] for v in model.trainable_variables}


def factors(model, factor):
    return variable_multipliers(model, {"backbone": factor})


def in_backbone(path):
    return path.startswith("stem")


class Weights:
    """A few variables, and gradients for them, for statements in NumPy."""

    shapes: ClassVar = {"kernel": (3, 3, 2, 4), "bias": (4,), "gamma": (4,), "beta": (4,)}

    def __init__(self):
        generator = np.random.default_rng(7)
        self.start = {k: generator.normal(size=s) for k, s in self.shapes.items()}
        self.variables = [
            keras.Variable(value, name=name, dtype="float32") for name, value in self.start.items()
        ]

    def gradients(self, step):
        generator = np.random.default_rng(100 + step)
        return {name: generator.normal(size=shape) for name, shape in self.shapes.items()}

    def after(self, optimizer, steps):
        """Returns the values after an optimizer was given so many gradients."""
        for step in range(steps):
            gradients = [
                keras.ops.convert_to_tensor(g, "float32") for g in self.gradients(step).values()
            ]
            optimizer.apply(gradients, self.variables)
        return {variable.name: variable.numpy() for variable in self.variables}


def assert_close(found, expected, **tolerance):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, err_msg=name, **tolerance)
