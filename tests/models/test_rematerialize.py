"""`rematerialize=True`: less is kept while training, and nothing else changes."""

from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import LightWeightRefineNet, RefineNet
from kerasseg.experiment.training_graph import training_graph
from kerasseg.layers import ChainedResidualPooling, ResidualConvUnit
from tests.models.model_case import random_images, tiny_backbone

OPTIONS = {"filters": 8, "coarse_filters": 12, "dropout": 0.0}

builders = pytest.mark.parametrize(
    "build", [RefineNet, LightWeightRefineNet], ids=lambda build: build.__name__
)


def pair(build) -> tuple[keras.Model, keras.Model]:
    """Returns a plain and a rematerialized model of the same weights."""
    plain = build(tiny_backbone(), 5, **OPTIONS)
    rematerialized = build(tiny_backbone(), 5, rematerialize=True, **OPTIONS)
    rematerialized.set_weights(plain.get_weights())
    return plain, rematerialized


def train_step(model: keras.Model, images: tf.Tensor) -> list[tf.Tensor]:
    """Returns the logits, and the gradients of the image and of every weight."""
    sources = [images, *(weight.value for weight in model.trainable_weights)]
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = model(images, training=True)
        loss = tf.reduce_mean(logits**2)
    return [logits, *tape.gradient(loss, sources)]


def forward_operations(model: keras.Model, images: tf.Tensor) -> Counter[str]:
    """Counts what a training step computes forward; its gradients have types of their own."""
    step = tf.function(lambda: train_step(model, images)).get_concrete_function()
    types = (operation.type for operation in step.graph.get_operations())
    return Counter(kind for kind in types if kind in ("MaxPool", "Conv2D", "Relu"))


@pytest.fixture
def images() -> tf.Tensor:
    return tf.constant(random_images(1, 64, 48))


@builders
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_logits_and_gradients_are_equal_in_eager_mode(build, policy, images):
    keras.config.set_dtype_policy(policy)
    found, expected = (train_step(model, images) for model in reversed(pair(build)))
    for one, other in zip(found, expected, strict=True):
        assert np.any(other)
        assert np.array_equal(one, other)


@pytest.mark.slow
@builders
def test_logits_and_gradients_are_equal_in_a_graph(build, images):
    plain, rematerialized = pair(build)
    found, expected = (tf.function(train_step)(m, images) for m in (rematerialized, plain))
    for one, other in zip(found, expected, strict=True):
        # TensorFlow fuses other convs with their bias.
        np.testing.assert_allclose(one, other, rtol=0, atol=5e-6 * np.abs(other).max())


@pytest.mark.slow
@builders
@pytest.mark.parametrize("trained", [lambda model: model, training_graph], ids=["itself", "twin"])
def test_the_gradient_computes_each_chain_and_unit_once_more(build, trained, images):
    plain, rematerialized = pair(build)
    once = forward_operations(trained(plain), images)
    more = forward_operations(trained(rematerialized), images) - once
    # Four chains; two units a path and three a block, each of two convs behind a ReLU each.
    poolings, units = (4 * 2, 4 * (2 + 3)) if build is RefineNet else (4 * 4, 0)
    assert once["MaxPool"] == poolings
    assert more == {"MaxPool": poolings, "Conv2D": poolings + 2 * units, "Relu": 4 + 2 * units}


@builders
def test_inference_is_the_same_graph(build, images):
    def operations(model: keras.Model) -> list[str]:
        graph = tf.function(model).get_concrete_function(images).graph
        return sorted(operation.type for operation in graph.get_operations())

    plain, rematerialized = pair(build)
    assert operations(plain) == operations(rematerialized)


def test_a_fitted_twin_has_trained_the_same_weights(images):
    plain, rematerialized = pair(RefineNet)
    labels = np.random.default_rng(0).integers(0, 5, images.shape[:3])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    before = plain.get_weights()
    for model in (plain, rematerialized):
        twin = training_graph(model)
        twin.compile(keras.optimizers.SGD(0.01), loss, run_eagerly=True)
        twin.fit(images, labels, epochs=2, verbose=0)
    trained = zip(rematerialized.get_weights(), plain.get_weights(), before, strict=True)
    for found, expected, old in trained:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
        assert not np.array_equal(expected, old)


@builders
def test_is_saved_with_the_model(build, images, tmp_path):
    _, model = pair(build)
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    kinds = (ChainedResidualPooling, ResidualConvUnit)
    flags = [layer.rematerialize for layer in reloaded.layers if isinstance(layer, kinds)]
    assert len(flags) >= 4
    assert all(flags)
    assert np.array_equal(reloaded(images), model(images))


@pytest.mark.slow
@pytest.mark.parametrize("saved", [True, False])
def test_weights_are_interchangeable(saved, images, tmp_path):
    model = RefineNet(tiny_backbone(), 5, rematerialize=saved, **OPTIONS)
    path = tmp_path / "saved.weights.h5"
    model.save_weights(path)
    other = RefineNet(tiny_backbone(), 5, rematerialize=not saved, weights=path, **OPTIONS)
    assert np.array_equal(other(images), model(images))
