"""What holds for every metric over label maps."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.evaluation import metrics
from tests.evaluation.draws import blocks, updated
from tests.replicas import dealt_out, two_replicas

CLASSES = 4
METRICS = {
    "boundary_f1_2": partial(metrics.BoundaryF1, tolerance=2),
    "boundary_f1_3": partial(metrics.BoundaryF1, per_image=True),
    "boundary_iou": partial(metrics.BoundaryIoU, width=0.05),
    "expected_calibration_error": partial(metrics.ExpectedCalibrationError, num_bins=10),
    "frequency_weighted_iou": metrics.FrequencyWeightedIoU,
    "mean_accuracy": partial(metrics.MeanAccuracy, absent="zero"),
    "mean_dice": partial(metrics.MeanDice, absent="one"),
    "mean_iou": metrics.MeanIoU,
    "pixel_accuracy": metrics.PixelAccuracy,
}
every_metric = pytest.mark.parametrize("name", METRICS)


def state(metric):
    return np.asarray(metric.variables[0])


def once(name, *batch):
    return updated(METRICS[name](CLASSES), batch)


@every_metric
def test_its_name_is_that_of_the_log(name):
    assert METRICS[name](CLASSES).name == name


@every_metric
def test_two_replicas_count_what_one_does(name):
    labels, logits = blocks(0, (6, 24, 31))
    strategy = two_replicas()
    with strategy.scope():
        metric = METRICS[name](CLASSES)
    step = tf.function(lambda *batch: strategy.run(metric.update_state, batch))
    for batch in dealt_out(strategy, labels, logits, batch_size=2):
        step(*batch)
    expected = once(name, labels, logits)
    if getattr(metric, "per_image", False):  # the only sums that are not of whole numbers
        np.testing.assert_allclose(state(metric), state(expected), rtol=1e-13)
    else:
        np.testing.assert_array_equal(state(metric), state(expected))
    assert float(metric.result()) == pytest.approx(float(expected.result()), rel=1e-6)
    assert 0 < float(metric.result()) <= 1


@every_metric
def test_images_of_unknown_size_in_a_graph_and_compiled_ones_count_the_same(name):
    labels, logits = blocks(1)
    expected = state(once(name, labels, logits))
    unknown = [
        tf.TensorSpec((None, None, None), tf.int64),
        tf.TensorSpec((None, None, None, CLASSES), tf.float32),
    ]
    in_graph, compiled = METRICS[name](CLASSES), METRICS[name](CLASSES)
    tf.function(in_graph.update_state, input_signature=unknown)(labels, logits)
    tf.function(compiled.update_state, jit_compile=True)(tf.constant(labels), tf.constant(logits))
    np.testing.assert_allclose(state(in_graph), expected, rtol=1e-13)
    np.testing.assert_allclose(state(compiled), expected, rtol=1e-6)


@every_metric
def test_its_config_makes_it_again(name):
    metric = METRICS[name](CLASSES, ignore_label=11)
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
    assert again.ignore_label == 11


@every_metric
def test_weights_of_pixels_are_refused(name):
    pixel = np.zeros((1, 1, 1))
    with pytest.raises(ValueError, match="void"):
        METRICS[name](2).update_state(pixel, np.zeros((1, 1, 1, 2)), sample_weight=pixel)


@every_metric
def test_another_number_of_channels_is_refused(name):
    labels, logits = blocks(0, classes=5)
    with pytest.raises(KerassegError, match="num_classes=4 received y_pred of 5 channels"):
        once(name, labels, logits)


@every_metric
def test_a_label_that_is_neither_class_nor_void_is_not_passed_over(name):
    labels, logits = blocks(0)
    labels[0, 0, 0] = CLASSES
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"neither a class, \[0, 4\)"):
        once(name, labels, logits)


def test_keras_evaluates_all_of_them():
    labels, logits = blocks(2)
    pixels = keras.Input((None, None, CLASSES))
    model = keras.Model(pixels, keras.layers.Activation("linear")(pixels))
    model.compile(metrics=[make(CLASSES) for make in METRICS.values()])
    found = model.evaluate(logits, labels, batch_size=1, return_dict=True, verbose=0)
    assert {name: pytest.approx(value) for name, value in found.items() if name != "loss"} == {
        name: float(once(name, labels, logits).result()) for name in METRICS
    }
