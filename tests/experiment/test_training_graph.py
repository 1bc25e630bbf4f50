import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import EfficientFCN
from kerasseg.errors import KerassegError
from kerasseg.experiment.training_graph import training_graph
from tests.replicas import two_replicas

MODES = ("train", "frozen_statistics", "frozen")
STATISTICS = ("moving_mean", "moving_variance")


def network(dropout=0.0):
    """A backbone of conv, depthwise conv and batch norm, and a decoder with its own batch norm."""
    keras.utils.set_random_seed(5)
    pixels, images = keras.Input((None, None, 3)), keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", name="stem")(pixels)
    x = keras.layers.BatchNormalization(momentum=0.9, name="stem_bn")(x)
    x = keras.layers.DepthwiseConv2D(5, padding="same", activation="relu", name="depthwise")(x)
    x = keras.layers.BatchNormalization(scale=False, name="depthwise_bn")(x)
    backbone = keras.Model(pixels, keras.layers.ReLU()(x), name="backbone")
    x = keras.layers.Conv2D(6, 1, name="compress")(backbone(images))
    x = keras.layers.BatchNormalization(momentum=0.8, epsilon=1e-5, name="compress_bn")(x)
    x = keras.layers.Dropout(dropout)(keras.layers.ReLU()(x))
    return keras.Model(images, keras.layers.Conv2D(2, 1, name="classifier")(x), name="network")


def draw(batch=4, size=(8, 10)):
    generator = np.random.default_rng(2)
    half = -(-size[0] // 2), -(-size[1] // 2)
    images = generator.normal(2, 3, (batch, *size, 3)).astype(np.float32)
    return images, generator.normal(size=(batch, *half, 2)).astype(np.float32)


def values(model):
    """The variables by path, but for the number that Keras counts seed generators by."""
    paths = (re.sub("seed_generator_[0-9]+", "seed_generator", v.path) for v in model.variables)
    return dict(zip(paths, [variable.numpy() for variable in model.variables], strict=True))


def fitted(model, twin, epochs=1, eagerly=True, rate=0.05):
    """Trains the twin and returns the plain model's variables."""
    twin.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=eagerly)
    twin.fit(*draw(), batch_size=4, epochs=epochs, shuffle=False, verbose=0)
    return values(model)


def assert_close(one, other, rtol=1e-4, atol=2e-6):
    assert one.keys() == other.keys()
    for path in one:
        np.testing.assert_allclose(one[path], other[path], rtol=rtol, atol=atol, err_msg=path)


def changed(before, after):
    return {path for path in before if not np.array_equal(before[path], after[path])}


def kind(path):
    return path.split("/")[-1]


@pytest.mark.parametrize("mode", MODES)
def test_the_twin_shares_every_variable(mode):
    model = network(dropout=0.5)
    twin = training_graph(model, mode, "backbone")
    assert {id(v) for v in twin.variables} == {id(v) for v in model.variables}
    assert {id(v) for v in twin.trainable_variables} == {id(v) for v in model.trainable_variables}
    assert len(twin.variables) == len(model.variables)


@pytest.mark.parametrize("mode", MODES)
def test_the_twin_predicts_what_the_model_predicts(mode):
    model = network()
    twin = training_graph(model, mode, "backbone")
    fitted(model, twin)
    images, _ = draw()
    np.testing.assert_allclose(
        twin(images, training=False), model(images, training=False), rtol=1e-4, atol=1e-5
    )


def test_steps_of_the_twin_are_steps_of_the_model():
    """Keras' own batch norm, its moving statistics included, is the measure."""
    plain, model = network(), network()
    expected = fitted(plain, plain, epochs=3)
    after = fitted(model, training_graph(model), epochs=3)
    assert_close(after, expected)
    assert changed(values(network()), after) == set(after) - {
        path for path in after if "seed" in path
    }


def test_the_step_is_the_same_in_a_graph():
    plain, model = network(), network()
    assert_close(
        fitted(model, training_graph(model), eagerly=False), fitted(plain, plain), atol=1e-5
    )


def test_the_twin_drops_out_what_the_model_drops_out():
    plain, model = network(dropout=0.5), network(dropout=0.5)
    assert_close(fitted(model, training_graph(model)), fitted(plain, plain))


def test_the_moving_variance_is_that_of_keras_and_not_the_unbiased_one():
    images = keras.Input((1, 1, 3))
    for batch in (1, 2):
        model = keras.Model(images, keras.layers.BatchNormalization(momentum=0.5)(images))
        x = np.random.default_rng(0).normal(size=(batch, 1, 1, 3)).astype(np.float32)
        training_graph(model)(x, training=True)
        np.testing.assert_allclose(
            model.layers[1].moving_variance, 0.5 + 0.5 * x.var(axis=(0, 1, 2)), rtol=1e-5
        )


def test_frozen_statistics_stay_bit_for_bit_while_gamma_and_beta_train():
    model = network()
    before = values(model)
    after = fitted(model, training_graph(model, "frozen_statistics", "backbone"), epochs=3)
    moved = changed(before, after)
    assert not {"stem_bn/moving_mean", "stem_bn/moving_variance"} & moved
    assert not {"depthwise_bn/moving_mean", "depthwise_bn/moving_variance"} & moved
    assert {"stem_bn/gamma", "stem_bn/beta", "depthwise_bn/beta", "stem/kernel"} <= moved


def test_frozen_batch_norm_stays_bit_for_bit():
    model = network()
    before = values(model)
    after = fitted(model, training_graph(model, "frozen", "backbone"), epochs=3)
    moved = {path for path in changed(before, after) if path.split("/")[0].endswith("_bn")}
    assert moved == {f"compress_bn/{name}" for name in ("gamma", "beta", *STATISTICS)}
    assert "stem/kernel" in changed(before, after)


@pytest.mark.parametrize("mode", MODES)
def test_batch_norm_of_the_decoder_trains_in_every_mode(mode):
    model = network()
    before = values(model)
    after = fitted(model, training_graph(model, mode, "backbone"))
    assert {f"compress_bn/{name}" for name in ("gamma", *STATISTICS)} <= changed(before, after)


def test_without_a_backbone_the_mode_is_that_of_the_whole_model():
    model = network()
    before = values(model)
    after = fitted(model, training_graph(model, "frozen_statistics"), epochs=2)
    assert not {path for path in changed(before, after) if kind(path) in STATISTICS}
    assert "compress_bn/gamma" in changed(before, after)


def test_frozen_statistics_normalise_as_inference_does():
    model = network()
    fitted(model, training_graph(model))
    images, _ = draw()
    twin = training_graph(model, "frozen_statistics")
    np.testing.assert_allclose(
        twin(images, training=True), model(images, training=False), rtol=1e-4, atol=1e-5
    )


@pytest.mark.slow
def test_two_replicas_normalise_by_the_whole_batch():
    model = network()
    expected = fitted(model, training_graph(model), epochs=2)
    with two_replicas().scope():
        model = network()
        twin = training_graph(model)
    assert_close(fitted(model, twin, epochs=2, eagerly=False), expected, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("strides", [1, 2])
def test_the_bfloat16_gradient_of_a_depthwise_conv_is_close_to_that_of_float32(strides):
    def gradients(policy, make_graph):
        keras.utils.set_random_seed(1)
        keras.config.set_dtype_policy(policy)
        images = keras.Input((16, 20, 3))
        layer = keras.layers.DepthwiseConv2D(5, strides, padding="same", activation="relu")
        graph = make_graph(keras.Model(images, layer(images)))
        pixels = tf.constant(draw(size=(16, 20))[0])
        sources = [pixels, *(variable.value for variable in graph.trainable_variables)]
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            loss = tf.reduce_mean(tf.cast(graph(pixels, training=True), tf.float32) ** 2)
        return tape.gradient(loss, sources)

    exact = gradients("float32", lambda model: model)
    rounded = gradients("mixed_bfloat16", training_graph)
    for one, other in zip(rounded, exact, strict=True):
        scale = np.abs(other).max()
        np.testing.assert_allclose(one / scale, other / scale, atol=0.02)


def test_under_bfloat16_the_twin_replaces_the_depthwise_conv():
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = network()
    twin = training_graph(model)
    kinds = {type(layer).__name__ for layer in twin._flatten_layers()}
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    assert ("_DepthwiseConvInTraining" in kinds) != on_gpu
    images, _ = draw()
    np.testing.assert_allclose(twin(images), model(images), rtol=0.05, atol=0.05)


def test_what_is_saved_is_the_plain_model(tmp_path):
    model = network()
    fitted(model, training_graph(model, "frozen_statistics", "backbone"))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert "InTraining" not in model.to_json()
    images, _ = draw()
    np.testing.assert_array_equal(again(images), model(images))


def test_a_model_with_a_backbone_of_ones_own(tmp_path):
    pixels = keras.Input((None, None, 3))
    x, maps = pixels, []
    for channels, stride in ((4, 4), (6, 2), (8, 2), (10, 2)):
        x = keras.layers.Conv2D(channels, 3, strides=stride, padding="same")(x)
        x = keras.layers.BatchNormalization()(x)
        maps.append(x)
    own = keras.Model(pixels, maps, name="my_network")
    model = EfficientFCN(own, 2, num_codewords=4, fusion_filters=8, codeword_filters=8)
    before = values(model)
    twin = training_graph(model, "frozen_statistics", "my_network")
    twin(np.ones((1, 32, 32, 3), np.float32), training=True)
    moved = changed(before, values(model))
    assert not {path for path in moved if path in {v.path for v in own.variables}}
    assert {kind(path) for path in moved} >= set(STATISTICS)


def test_an_unknown_mode():
    with pytest.raises(KerassegError, match=r"unknown batch_norm 'froze': did you mean 'frozen'"):
        training_graph(network(), "froze")


def test_a_backbone_that_is_not_there():
    with pytest.raises(KerassegError, match=r"unknown layer 'resnet50'.*backbone"):
        training_graph(network(), "frozen", "resnet50")


@keras.saving.register_keras_serializable(package="tests")
class Block(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.norm = keras.layers.BatchNormalization(name="hidden_bn")

    def build(self, shape):
        self.norm.build(shape)

    def call(self, x):
        return self.norm(x)


def test_statistics_that_cannot_be_kept_are_not_passed_over():
    images = keras.Input((4, 4, 3))
    model = keras.Model(images, Block()(images))
    with pytest.raises(KerassegError, match=r"'frozen_statistics' cannot reach 'hidden_bn'"):
        training_graph(model, "frozen_statistics")
    before = values(model)
    training_graph(model, "frozen")(np.ones((2, 4, 4, 3), np.float32), training=True)
    assert not changed(before, values(model))
