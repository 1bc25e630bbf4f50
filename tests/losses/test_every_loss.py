"""What holds of every loss: its formula, its gradient, void, replicas, precision, saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.errors import KerassegError
from tests.losses.statements import CLASSES, LOSSES, ONES, VOID, WEIGHTS, draw
from tests.replicas import two_replicas

every_loss = pytest.mark.parametrize("name", LOSSES)
with_weights = pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])


def value_and_gradient(loss, labels, logits):
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(labels, logits)
    return value.numpy(), tape.gradient(value, logits).numpy()


@with_weights
@every_loss
def test_equals_its_statement(name, weights):
    make, stated = LOSSES[name]
    for seed in range(4):
        labels, logits = draw(seed, (2, 5, 6))
        value = float(make(class_weights=weights)(labels, logits))
        assert value == pytest.approx(stated(labels, logits, weights or ONES), rel=2e-5)


@with_weights
@every_loss
def test_its_gradient_is_that_of_its_statement(name, weights):
    make, stated = LOSSES[name]
    labels, logits = draw(9)
    _, gradient = value_and_gradient(make(class_weights=weights), labels, logits)
    expected = np.zeros(logits.shape)
    for place in np.ndindex(logits.shape):
        step = np.zeros(logits.shape)
        step[place] = 1e-5
        ahead, behind = (stated(labels, logits + sign * step, weights or ONES) for sign in (1, -1))
        expected[place] = (ahead - behind) / 2e-5
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-6)


@every_loss
def test_labels_of_either_rank_and_any_integer_dtype(name):
    labels, logits = draw(0)
    loss = LOSSES[name][0]()
    expected = loss(labels, logits)
    assert loss(labels.astype("uint8")[..., None], logits) == expected
    assert loss.call(tf.constant(labels, tf.uint16), tf.constant(logits)).shape == (2,)


@every_loss
def test_keeps_to_its_own_ignore_label(name):
    labels, logits = draw(1)
    moved = np.where(labels == VOID, 11, labels)
    make, _ = LOSSES[name]
    assert make(ignore_label=11)(moved, logits) == make()(labels, logits)


@with_weights
@every_loss
def test_a_batch_of_void_has_loss_and_gradient_zero(name, weights):
    labels, logits = draw(0)
    loss = LOSSES[name][0](class_weights=weights)
    value, gradient = value_and_gradient(loss, np.full_like(labels, VOID), logits)
    assert value == 0
    assert not gradient.any()


@every_loss
def test_a_single_channel_is_refused(name):
    labels, logits = draw(0)
    with pytest.raises(KerassegError, match=r"at least 2 channels.*\n.*num_classes=2"):
        LOSSES[name][0]()(labels, logits[..., :1])


@every_loss
def test_class_weights_of_another_number_of_classes_are_refused(name):
    labels, logits = draw(0)
    with pytest.raises(KerassegError, match="has 3 class_weights and received logits of 4 chan"):
        LOSSES[name][0](class_weights=(1, 2, 3))(labels, logits)


@every_loss
def test_class_weights_below_zero_are_refused(name):
    with pytest.raises(KerassegError, match=r"each of class_weights is a finite .*received -1.0"):
        LOSSES[name][0](class_weights=(1, -1, 1, 1))


@every_loss
def test_a_label_that_is_neither_class_nor_void_is_not_passed_over(name):
    labels, logits = draw(0)
    labels[0, 0, 0] = CLASSES
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[0, 4\)"):
        LOSSES[name][0]()(labels, logits)


@every_loss
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_is_computed_in_float32_under_every_policy(name, policy):
    labels, logits = draw(2, (2, 40, 40))
    make, stated = LOSSES[name]
    keras.config.set_dtype_policy(policy)
    half = tf.cast(logits, policy.removeprefix("mixed_"))
    value = make()(labels, half)
    assert value.dtype == tf.float32
    if "Lovasz" not in name and name != "WeightedSum":  # whose statement is slow at this size
        expected = stated(labels, tf.cast(half, tf.float32).numpy())
        assert float(value) == pytest.approx(expected, rel=2e-5)
    direct = make().call(tf.constant(labels), half)
    assert float(tf.reduce_mean(direct)) == pytest.approx(float(value), rel=1e-6)


@with_weights
@every_loss
def test_its_config_makes_it_again(name, weights):
    loss = LOSSES[name][0](ignore_label=254, class_weights=weights)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    labels, logits = draw(3)
    labels = np.where(labels == VOID, 254, labels)
    assert again(labels, logits) == loss(labels, logits)


@every_loss
def test_a_compiled_model_is_saved_with_it(name, tmp_path):
    model = linear_model()
    model.compile("sgd", LOSSES[name][0](class_weights=WEIGHTS))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.loss.get_config() == model.loss.get_config()


@every_loss
def test_xla_computes_the_same(name):
    labels, logits = draw(5)
    loss = LOSSES[name][0](class_weights=WEIGHTS)
    value, gradient = value_and_gradient(loss, labels, logits)
    compiled = tf.function(
        lambda labels, logits: value_and_slope(loss, labels, logits), jit_compile=True
    )
    value_there, gradient_there = compiled(tf.constant(labels), tf.constant(logits))
    assert float(value_there) == pytest.approx(float(value), rel=1e-6)
    np.testing.assert_allclose(gradient_there, gradient, rtol=1e-5, atol=1e-7)


def value_and_slope(loss, labels, logits):
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(labels, logits)
    return value, tape.gradient(value, logits)


def linear_model():
    images = keras.Input((4, 4, 3))
    layer = keras.layers.Conv2D(
        CLASSES, 1, kernel_initializer=keras.initializers.RandomNormal(seed=1)
    )
    return keras.Model(images, layer(images))


def one_step(model, images, labels, loss):
    model.compile(keras.optimizers.SGD(0.5), loss)
    history = model.fit(images, labels, batch_size=len(images), shuffle=False, verbose=0)
    return history.history["loss"][0], model.get_weights()


def photos(count):
    return np.random.default_rng(5).normal(size=(count, 4, 4, 3)).astype(np.float32)


def unequal():
    """Labels of which the second replica gets a quarter of what the first has to learn from."""
    labels, _ = draw(4, (4, 4, 4), void_share=0.2)
    labels[2:, :, 1:] = VOID
    labels[3] = VOID
    return labels


def void_alone():
    """Labels of which the second replica gets nothing but void."""
    labels = unequal()
    labels[2:] = VOID
    return labels


@pytest.mark.slow
@pytest.mark.parametrize(("deal", "weights"), [(unequal, WEIGHTS), (void_alone, None)])
@every_loss
def test_two_replicas_with_different_void_take_the_step_of_one(name, deal, weights):
    make, stated = LOSSES[name]
    labels, logits = deal(), linear_model()(photos(4)).numpy()
    before = linear_model().get_weights()
    loss, after = one_step(linear_model(), photos(4), labels, make(class_weights=weights))
    with two_replicas().scope():
        model = linear_model()
    loss_of_two, after_of_two = one_step(model, photos(4), labels, make(class_weights=weights))
    assert loss == pytest.approx(stated(labels, logits, weights or ONES), rel=1e-5)
    assert loss_of_two == pytest.approx(loss, rel=1e-6)
    assert np.abs(after[0] - before[0]).max() > 1e-3
    for one, two in zip(after, after_of_two, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-6)
