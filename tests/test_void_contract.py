"""No value of image or prediction under void changes a loss, its gradient or a metric."""

import inspect
from functools import cache, partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kerasseg import LabelSet, losses
from kerasseg.evaluation import confusion_matrix, metrics
from kerasseg.losses import SegmentationCrossentropy
from kerasseg.visualization import overlay

CLASSES = 3
SHAPE = (2, 3, 4)
WEIGHTS = (0.5, 0.0, 4.0)
# As many examples as several seconds allow; each is compared bit by bit.
FEW = settings(max_examples=15, deadline=None)


def both(name, make):
    """Returns a loss with and without class weights."""
    return {name: make, f"{name}, weighted": partial(make, class_weights=WEIGHTS)}


def in_sum(**arguments):
    parts = (losses.OHEMCrossentropy, losses.DiceLoss)
    return losses.WeightedSum([part(**arguments) for part in parts], (1.0, 0.5))


LOSSES = {
    **both("BoundaryCrossentropy", partial(losses.BoundaryCrossentropy, width=1)),
    **both("DiceLoss", losses.DiceLoss),
    **both("FocalLoss", losses.FocalLoss),
    **both("LovaszSoftmax", losses.LovaszSoftmax),
    "LovaszSoftmax, of the batch": partial(losses.LovaszSoftmax, per_image=False),
    **both("OHEMCrossentropy", partial(losses.OHEMCrossentropy, min_kept=3)),
    **both("SegmentationCrossentropy", SegmentationCrossentropy),
    "WeightedSum": in_sum,
}
METRICS = {
    "BoundaryF1": partial(metrics.BoundaryF1, CLASSES, tolerance=1),
    "BoundaryF1, of images": partial(metrics.BoundaryF1, CLASSES, per_image=True),
    "BoundaryIoU": partial(metrics.BoundaryIoU, CLASSES),
    "BoundaryIoU, without edge": partial(metrics.BoundaryIoU, CLASSES, at_image_edge=False),
    "ExpectedCalibrationError": partial(metrics.ExpectedCalibrationError, CLASSES),
    "FrequencyWeightedIoU": partial(metrics.FrequencyWeightedIoU, CLASSES),
    "MeanAccuracy": partial(metrics.MeanAccuracy, CLASSES),
    "MeanDice": partial(metrics.MeanDice, CLASSES),
    "MeanIoU": partial(metrics.MeanIoU, CLASSES),
    "MeanIoU, absent as one": partial(metrics.MeanIoU, CLASSES, absent="one"),
    "PixelAccuracy": partial(metrics.PixelAccuracy, CLASSES),
}

IGNORE_LABELS = st.sampled_from([255, 11, CLASSES, 65535])
VOID_PLACES = arrays(bool, SHAPE)
# Infinite ones and no numbers too: a diverging network may put them out at the margin.
EXTREMES = st.sampled_from([np.nan, np.inf, -np.inf, float(np.finfo(np.float32).max)])
LOGITS = arrays(np.float32, (*SHAPE, CLASSES), elements=EXTREMES | st.floats(width=32))


def of_kind(module, kind):
    """Returns the names of the public classes of a kind that a module has."""
    public = {name: getattr(module, name) for name in module.__all__}
    return {
        name for name, value in public.items() if inspect.isclass(value) and issubclass(value, kind)
    }


def labels_and_logits(void, ignore_label):
    generator = np.random.default_rng(0)
    labels = np.where(void, ignore_label, generator.integers(0, CLASSES, SHAPE))
    return labels, generator.normal(0, 3, (*SHAPE, CLASSES)).astype(np.float32)


def value_and_gradient(loss, labels, logits):
    predicted = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(predicted)
        value = loss(labels, predicted)
    return value.numpy(), tape.gradient(value, predicted).numpy()


def counted(metric, labels, logits):
    metric.update_state(labels, tf.constant(logits))
    return [np.asarray(value) for value in (*metric.variables, metric.result())]


def assert_same(ones, others):
    for one, other in zip(ones, others, strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, other)


def test_every_loss_and_metric_is_held_to_the_contract():
    assert {name.partition(",")[0] for name in LOSSES} == set(losses.__all__)
    assert {name.partition(",")[0] for name in METRICS} == of_kind(metrics, keras.metrics.Metric)


@cache
def made(name, ignore_label, compiled):
    loss = LOSSES[name](ignore_label=ignore_label)
    return tf.function(loss, reduce_retracing=True) if compiled else loss


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", LOSSES)
@FEW
@given(void=VOID_PLACES, there=LOGITS, ignore_label=IGNORE_LABELS)
def test_a_loss_and_its_gradient_do_not_see_void(name, compiled, void, there, ignore_label):
    labels, logits = labels_and_logits(void, ignore_label)
    loss = made(name, ignore_label, compiled)
    expected = value_and_gradient(loss, labels, logits)
    there = np.where(void[..., None], there, logits)
    assert_same(expected, value_and_gradient(loss, labels, there))
    assert not expected[1][void].any()


@pytest.mark.parametrize("name", METRICS)
@FEW
@given(void=VOID_PLACES, there=LOGITS, ignore_label=IGNORE_LABELS)
def test_a_metric_does_not_see_void(name, void, there, ignore_label):
    labels, logits = labels_and_logits(void, ignore_label)
    expected = counted(METRICS[name](ignore_label), labels, logits)
    predicted = np.where(void[..., None], there, logits)
    assert_same(expected, counted(METRICS[name](ignore_label), labels, predicted))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("name", LOSSES)
def test_a_prediction_that_is_no_number_under_void_is_nothing(name, value):
    void = np.zeros(SHAPE, bool)
    void[:, 0] = True
    labels, logits = labels_and_logits(void, 255)
    expected = value_and_gradient(made(name, 255, False), labels, logits)
    logits[void] = value
    assert_same(expected, value_and_gradient(made(name, 255, False), labels, logits))


@pytest.mark.parametrize("name", [name for name in LOSSES if "weighted" not in name])
def test_a_prediction_that_is_no_number_elsewhere_is_not_hidden(name):
    labels, logits = labels_and_logits(np.zeros(SHAPE, bool), 255)
    logits[0, 0, 0] = np.nan
    assert np.isnan(value_and_gradient(made(name, 255, False), labels, logits)[0])


def pointwise_model():
    """A model in which each pixel of the image reaches the logits of that pixel alone."""
    images = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(CLASSES, 1, kernel_initializer=keras.initializers.Ones())
    return keras.Model(images, layer(images))


MODEL = pointwise_model()


@FEW
@given(void=VOID_PLACES, there=arrays(np.uint8, (*SHAPE, 3)), ignore_label=IGNORE_LABELS)
def test_no_pixel_under_void_moves_a_weight(void, there, ignore_label):
    labels, _ = labels_and_logits(void, ignore_label)
    image = np.random.default_rng(1).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)

    def step(pixels):
        with tf.GradientTape() as tape:
            logits = MODEL(tf.constant(pixels, tf.float32) / 255)
            value = SegmentationCrossentropy(ignore_label)(labels, logits)
        return [value.numpy(), *(part.numpy() for part in tape.gradient(value, MODEL.weights))]

    assert_same(step(image), step(np.where(void[..., None], there, image)))


@FEW
@given(void=VOID_PLACES, there=arrays(np.uint8, (*SHAPE, 3)))
def test_no_pixel_under_void_is_evaluated(void, there):
    ids, _ = labels_and_logits(void, 255)
    image = np.random.default_rng(1).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
    names = LabelSet(("a", "b", "c"))

    def evaluated(pixels):
        batches = tf.data.Dataset.from_tensors((pixels, ids))
        matrix = confusion_matrix(MODEL, batches, names)
        scores = metrics.mean_iou(matrix), np.nan_to_num(metrics.class_iou(matrix), nan=-1)
        return [matrix, *scores], metrics.iou_table(names.class_names, matrix)

    (one, table), (other, table_there) = (
        evaluated(pixels) for pixels in (image, np.where(void[..., None], there, image))
    )
    assert_same(one, other)
    assert table == table_there


@FEW
@given(void=arrays(bool, SHAPE[1:]), opacity=st.floats(0, 1))
def test_an_overlay_leaves_void_clear(void, opacity):
    ids = np.where(void, 255, 1)
    image = np.random.default_rng(1).integers(0, 256, (*SHAPE[1:], 3)).astype(np.uint8)
    painted = overlay(image, ids, LabelSet(("a", "b")), opacity)
    np.testing.assert_array_equal(painted[void], image[void])
