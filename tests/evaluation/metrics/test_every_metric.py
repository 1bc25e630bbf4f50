"""What holds for every metric over label maps."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.evaluation import metrics
from kerasseg.losses import SegmentationCrossentropy
from tests.evaluation.draws import blocks, updated
from tests.replicas import dealt_out, two_replicas

CLASSES = 4
METRICS = {
    "boundary_f1_2": partial(metrics.BoundaryF1, tolerance=2),
    "boundary_f1_3": partial(metrics.BoundaryF1, per_image=True),
    "boundary_f1_0.04": partial(metrics.BoundaryF1, tolerance=0.04),
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


@pytest.mark.slow
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
    np.testing.assert_array_equal(state(metric), state(expected))
    assert float(metric.result()) == float(expected.result())
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
    np.testing.assert_array_equal(state(in_graph), expected)
    # XLA has another exponential function.
    tolerance = 1e-6 if name == "expected_calibration_error" else 0
    np.testing.assert_allclose(state(compiled), expected, rtol=tolerance)


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


def compiled_model(jit_compile):
    pixels = keras.Input((None, None, CLASSES))
    model = keras.Model(pixels, keras.layers.Activation("linear")(pixels))
    measured = [make(CLASSES) for make in METRICS.values()]
    model.compile(loss=SegmentationCrossentropy(), metrics=measured, jit_compile=jit_compile)
    return model


def evaluated(model, labels, logits, batch_size):
    found = model.evaluate(logits, labels, batch_size=batch_size, return_dict=True, verbose=0)
    return {name: found[name] for name in METRICS}


@pytest.mark.parametrize("jit_compile", [False, True])
def test_keras_evaluates_all_of_them(jit_compile):
    labels, logits = blocks(2)
    found = evaluated(compiled_model(jit_compile), labels, logits, 1)
    expected = {name: float(once(name, labels, logits).result()) for name in METRICS}
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
def test_keras_evaluates_them_on_two_replicas_and_anew_each_time():
    labels, logits = blocks(2, (4, 24, 31))
    with two_replicas().scope():
        model = compiled_model(jit_compile=False)
    expected = {name: float(once(name, labels, logits).result()) for name in METRICS}
    for _ in range(2):
        assert evaluated(model, labels, logits, 2) == expected
