import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.evaluation import MeanIoU, class_iou, iou_table, mean_iou
from tests.evaluation.draws import VOID, counted, draw, updated
from tests.replicas import dealt_out, two_replicas


def test_the_matrix_is_that_of_scikit_learn():
    from sklearn.metrics import confusion_matrix

    labels, logits = draw(0)
    valid = labels != VOID
    expected = confusion_matrix(labels[valid], logits.argmax(-1)[valid], labels=range(4))
    np.testing.assert_array_equal(updated(MeanIoU(4), (labels, logits)).confusion, expected)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
@pytest.mark.parametrize("axes", [3, 4])
def test_counts_every_valid_pixel_once(dtype, axes):
    labels, logits = draw(1)
    metric = MeanIoU(4)
    metric.update_state(labels.astype(dtype).reshape(*labels.shape, *(1,) * (axes - 3)), logits)
    np.testing.assert_array_equal(metric.confusion, counted(labels, logits))


def test_is_the_mean_over_the_whole_data_set_and_not_over_batches():
    batches = [draw(seed, void_share=0.2 * seed) for seed in range(3)]
    total = sum(counted(*batch) for batch in batches)
    metric = updated(MeanIoU(4), *batches)
    assert float(metric.result()) == pytest.approx(mean_iou(total), rel=1e-6)
    np.testing.assert_array_equal(metric.confusion, total)


def test_begins_anew_after_a_reset():
    metric = updated(MeanIoU(4), draw(0))
    metric.reset_state()
    assert float(metric.result()) == 0
    labels, logits = draw(1)
    np.testing.assert_array_equal(
        updated(metric, (labels, logits)).confusion, counted(labels, logits)
    )


def test_void_is_skipped_whatever_is_predicted_there():
    labels, logits = draw(2)
    there = np.where((labels == VOID)[..., None], -logits, logits)
    first, second = updated(MeanIoU(4), (labels, logits)), updated(MeanIoU(4), (labels, there))
    np.testing.assert_array_equal(first.confusion, second.confusion)
    nothing = updated(MeanIoU(4), (np.full_like(labels, VOID), logits))
    assert float(nothing.result()) == 0


def test_an_ignore_label_beyond_uint8_does_not_make_255_void():
    metric = updated(
        MeanIoU(300, ignore_label=65535), (np.array([[[255]]], np.uint8), np.eye(300)[[[[255]]]])
    )
    assert int(metric.confusion[255, 255]) == 1


def test_absent_classes_are_left_out_of_the_mean():
    labels, logits = np.array([[[0, 0, 1, 1]]]), np.eye(5)[[[[0, 1, 1, 1]]]]
    metric = updated(MeanIoU(5), (labels, logits))
    assert float(metric.result()) == pytest.approx((1 / 2 + 2 / 3) / 2)
    # Class 4 occurs in the prediction alone: its IoU is 0 and counts.
    metric.update_state(np.array([[[0]]]), np.eye(5)[[[[4]]]])
    assert float(metric.result()) == pytest.approx((1 / 3 + 2 / 3 + 0) / 3)


def test_counts_stay_exact_beyond_what_float32_can_count():
    metric = MeanIoU(2)
    metric.confusion.assign(np.array([[2.0**24, 0], [0, 0]]))
    assert metric.confusion.dtype == "float64"
    metric.update_state(np.zeros((1, 1, 3), int), np.eye(2)[np.zeros((1, 1, 3), int)])
    assert int(metric.confusion[0, 0]) == 2**24 + 3


def test_two_replicas_count_what_one_does():
    labels, logits = draw(3, (6, 8, 9))
    strategy = two_replicas()
    with strategy.scope():
        metric = MeanIoU(4)

    @tf.function
    def step(labels, logits):
        strategy.run(metric.update_state, (labels, logits))

    for batch in dealt_out(strategy, labels, logits, batch_size=2):
        step(*batch)
    np.testing.assert_array_equal(metric.confusion, counted(labels, logits))
    assert float(metric.result()) == pytest.approx(mean_iou(counted(labels, logits)), rel=1e-6)


def test_weights_of_pixels_are_refused():
    with pytest.raises(ValueError, match="void"):
        MeanIoU(2).update_state(np.zeros((1, 1, 1)), np.zeros((1, 1, 1, 2)), np.ones((1, 1, 1)))


def test_another_number_of_channels_is_refused():
    labels, logits = draw(0, classes=5)
    with pytest.raises(KerassegError, match="num_classes=3 received y_pred of 5 channels"):
        MeanIoU(3).update_state(np.zeros_like(labels), logits)


def test_a_single_class_is_refused():
    with pytest.raises(KerassegError, match=r"at least 2 classes, received num_classes=1: .*two"):
        MeanIoU(1)


@pytest.mark.parametrize("label", [4, 254, -1])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_label_that_is_neither_class_nor_void_is_not_passed_over(label, compiled):
    labels, logits = draw(0)
    labels[0, 0, 0] = label
    metric = MeanIoU(4)
    update = tf.function(metric.update_state) if compiled else metric.update_state
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"neither a class, \[0, 4\)"):
        update(tf.constant(labels), tf.constant(logits))
    assert not np.any(metric.confusion)


def test_a_label_of_one_replica_that_is_neither_class_nor_void_is_not_passed_over():
    labels, logits = draw(3, (2, 8, 9))
    labels[1, 0, 0] = 4
    strategy = two_replicas()
    with strategy.scope():
        metric = MeanIoU(4)
    step = tf.function(lambda *batch: strategy.run(metric.update_state, batch))
    batch = next(iter(dealt_out(strategy, labels, logits, batch_size=2)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="neither a class"):
        step(*batch)


def test_its_config_makes_it_again():
    metric = MeanIoU(3, ignore_label=11, name="mine")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert isinstance(again, MeanIoU)
    assert (again.num_classes, again.ignore_label, again.name) == (3, 11, "mine")


def test_iou_of_a_class_is_its_overlap_over_its_union():
    labels, logits = draw(4)
    predicted, valid = logits.argmax(-1), labels != VOID
    expected = [
        ((labels == c) & (predicted == c)).sum()
        / (valid & ((labels == c) | (predicted == c))).sum()
        for c in range(4)
    ]
    np.testing.assert_allclose(class_iou(counted(labels, logits)), expected)


def test_a_class_that_does_not_occur_has_no_iou():
    confusion = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    np.testing.assert_array_equal(np.isnan(class_iou(confusion)), [False, False, True])
    assert mean_iou(confusion) == pytest.approx((3 / 4 + 4 / 5) / 2)
    assert mean_iou(np.zeros((3, 3))) == 0


def test_the_table_has_a_line_a_class_and_ends_with_the_mean():
    confusion = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    lines = iou_table(("road", "a_long_name", "car"), confusion).splitlines()
    assert [line.split() for line in lines[:-1]] == [
        ["class", "IoU", "pixels"],
        ["road", "0.750", "50.0", "%"],
        ["a_long_name", "0.800", "50.0", "%"],
        ["car", "-", "0.0", "%"],
    ]
    assert lines[-1] == "mean IoU 0.775 of the 2 classes that occur"
    *same, last = iou_table(("road", "a_long_name", "car"), confusion, "one").splitlines()
    assert same == lines[:-1]
    assert last == "mean IoU 0.850 of the 2 classes that occur, and of 1 for each of the others"
    assert len({line.index("0.") for line in lines[1:3]}) == 1
