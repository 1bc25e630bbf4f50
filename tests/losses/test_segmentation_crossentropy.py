import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kerasseg.errors import KerassegError
from kerasseg.losses import SegmentationCrossentropy
from tests.replicas import two_replicas

VOID = 255
WEIGHTS = (0.5, 1.0, 0.0, 4.0)
SHAPE = (2, 3, 4)


def stated(labels, logits, weights=(1.0,) * 4, void=VOID):
    """The loss as its docstring states it, in float64."""
    logits = logits.astype(np.float64)
    log_softmax = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    total = loss = 0.0
    for place, label in np.ndenumerate(labels.astype(int)):
        if label != void:
            total += weights[label]
            loss -= weights[label] * log_softmax[place][label]
    return loss / total if total else 0.0


def draw(seed, shape=SHAPE, void_share=0.3):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, shape)
    labels[generator.random(shape) < void_share] = VOID
    return labels, generator.normal(0, 3, (*shape, 4)).astype(np.float32)


def value_and_gradient(loss, labels, logits):
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(labels, logits)
    return value.numpy(), tape.gradient(value, logits).numpy()


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("seed", range(3))
def test_equals_its_statement(seed, weights):
    labels, logits = draw(seed)
    value = float(SegmentationCrossentropy(class_weights=weights)(labels, logits))
    assert value == pytest.approx(stated(labels, logits, weights or (1.0,) * 4), rel=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "int64"])
@pytest.mark.parametrize("axes", [3, 4])
def test_takes_labels_of_either_rank_and_any_integer_dtype(dtype, axes):
    labels, logits = draw(0)
    expected = SegmentationCrossentropy()(labels, logits)
    given_labels = labels.astype(dtype).reshape(*SHAPE, *(1,) * (axes - 3))
    assert SegmentationCrossentropy()(given_labels, logits) == expected


def test_keeps_to_its_own_ignore_label():
    labels, logits = draw(1)
    moved = np.where(labels == VOID, 11, labels)
    assert SegmentationCrossentropy(11)(moved, logits) == SegmentationCrossentropy()(labels, logits)


def test_an_ignore_label_beyond_uint8_does_not_make_255_void():
    many = np.zeros((1, 1, 2, 300), np.float32)
    labels = np.array([[[255, 7]]], np.uint8)
    loss = SegmentationCrossentropy(ignore_label=65535)
    many[0, 0, 0, 255] = 5.0
    both, second = np.log(300 - 1 + np.exp(5)) - 5, np.log(300)
    assert loss.call(tf.constant(labels), tf.constant(many)).numpy() == pytest.approx(
        [(both + second) / 2], rel=1e-5
    )


@settings(max_examples=25, deadline=None)
@given(
    void=arrays(bool, SHAPE),
    other=arrays(np.float32, (*SHAPE, 4), elements=st.floats(-1e4, 1e4, width=32)),
    weights=st.sampled_from([None, WEIGHTS]),
)
def test_void_changes_neither_value_nor_gradient(void, other, weights):
    labels, logits = draw(2, void_share=0)
    labels = np.where(void, VOID, labels)
    loss = SegmentationCrossentropy(class_weights=weights)
    value, gradient = value_and_gradient(loss, labels, logits)
    value_there, gradient_there = value_and_gradient(
        loss, labels, np.where(void[..., None], other, logits)
    )
    assert value == value_there
    np.testing.assert_array_equal(gradient, gradient_there)
    assert not gradient[void].any()


def test_a_batch_of_void_has_loss_and_gradient_zero():
    labels, logits = draw(0)
    value, gradient = value_and_gradient(
        SegmentationCrossentropy(), np.full_like(labels, VOID), logits
    )
    assert value == 0
    assert not gradient.any()


def test_a_label_that_is_neither_class_nor_void_is_not_passed_over():
    labels, logits = draw(0)
    labels[0, 0, 0] = 4
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"4.*\[0, 4\)"):
        SegmentationCrossentropy()(labels, logits)


def test_a_single_channel_is_refused():
    images, labels = np.zeros((2, 4, 4, 3), np.float32), np.zeros((2, 4, 4), np.int32)
    loss = SegmentationCrossentropy()
    with pytest.raises(KerassegError, match=r"num_classes=2, or take keras.losses.BinaryCross"):
        loss(labels, images[..., :1])
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(1, 1)])
    model.compile("sgd", loss)
    with pytest.raises(KerassegError, match="at least 2 channels"):
        model.fit(images, labels, verbose=0)


def test_every_image_counts_by_its_valid_pixels():
    """Keras' own loss would average within an image or a replica first."""
    labels, logits = draw(3, (2, 4, 4))
    labels[1, 1:] = VOID
    whole = float(SegmentationCrossentropy()(labels, logits))
    counts = [(image != VOID).sum() for image in labels]
    each = [stated(labels[n], logits[n]) for n in (0, 1)]
    assert whole == pytest.approx(np.average(each, weights=counts), rel=1e-5)


def test_its_config_makes_it_again():
    loss = SegmentationCrossentropy(11, WEIGHTS, name="mine")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, SegmentationCrossentropy)
    assert again.get_config() == loss.get_config()
    assert (again.ignore_label, again.class_weights, again.name) == (11, WEIGHTS, "mine")


def linear_model():
    images = keras.Input((4, 4, 3))
    layer = keras.layers.Conv2D(4, 1, kernel_initializer=keras.initializers.RandomNormal(seed=1))
    return keras.Model(images, layer(images))


def one_step(model, images, labels, weights):
    model.compile(keras.optimizers.SGD(0.5), SegmentationCrossentropy(class_weights=weights))
    history = model.fit(images, labels, batch_size=4, shuffle=False, verbose=0)
    return history.history["loss"][0], model.get_weights()


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_two_replicas_with_unequal_void_take_the_step_of_one(weights):
    labels, _ = draw(4, (4, 4, 4), void_share=0.2)
    labels[2:, :, 1:] = VOID  # the second replica gets a quarter of the pixels of the first
    labels[3] = VOID
    images = np.random.default_rng(5).normal(size=(4, 4, 4, 3)).astype(np.float32)
    logits = linear_model()(images).numpy()
    loss, after = one_step(linear_model(), images, labels, weights)
    with two_replicas().scope():
        model = linear_model()
    loss_of_two, after_of_two = one_step(model, images, labels, weights)
    assert loss == pytest.approx(stated(labels, logits, weights or (1.0,) * 4), rel=1e-5)
    assert loss_of_two == pytest.approx(loss, rel=1e-6)
    for one, two in zip(after, after_of_two, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-6)


def test_a_replica_that_sees_nothing_but_void_changes_nothing():
    labels, _ = draw(6, (4, 4, 4), void_share=0)
    labels[2:] = VOID
    images = np.random.default_rng(5).normal(size=(4, 4, 4, 3)).astype(np.float32)
    with two_replicas().scope():
        model = linear_model()
    loss, after = one_step(model, images, labels, None)
    expected_loss, expected = one_step(linear_model(), images[:2], labels[:2], None)
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    np.testing.assert_allclose(after[0], expected[0], rtol=1e-5)
