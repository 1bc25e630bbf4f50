"""What is computed from one confusion matrix, beside scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from kerasseg.errors import KerassegError
from kerasseg.evaluation import metrics
from tests.evaluation.draws import VOID, counted, draw, updated

CLASSES = 4
OF_CLASSES = {
    "iou": (metrics.class_iou, metrics.mean_iou, metrics.MeanIoU, "jaccard_score"),
    "dice": (metrics.class_dice, metrics.mean_dice, metrics.MeanDice, "f1_score"),
    "accuracy": (
        metrics.class_accuracy,
        metrics.mean_accuracy,
        metrics.MeanAccuracy,
        "recall_score",
    ),
}
OF_ALL = {
    "pixel_accuracy": (metrics.pixel_accuracy, metrics.PixelAccuracy),
    "frequency_weighted_iou": (metrics.frequency_weighted_iou, metrics.FrequencyWeightedIoU),
}
# Class 2 is predicted and in no truth, class 3 in neither.
SOME_ABSENT = np.array([[3, 1, 1, 0], [0, 5, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


def valid_pixels(labels, logits):
    valid = labels != VOID
    return labels[valid], logits.argmax(axis=-1)[valid]


@pytest.mark.parametrize("score", OF_CLASSES)
def test_scores_of_classes_are_those_of_scikit_learn(score):
    of_classes, mean, metric, reference = OF_CLASSES[score]
    labels, logits = draw(0)
    expected = getattr(sklearn_metrics, reference)(
        *valid_pixels(labels, logits), labels=range(CLASSES), average=None
    )
    matrix = counted(labels, logits)
    np.testing.assert_allclose(of_classes(matrix), expected)
    assert mean(matrix) == pytest.approx(expected.mean())
    streamed = updated(metric(CLASSES), (labels[:1], logits[:1]), (labels[1:], logits[1:]))
    np.testing.assert_allclose(streamed.class_scores(), expected)
    assert float(streamed.result()) == pytest.approx(expected.mean(), rel=1e-6)


def test_scores_of_all_pixels_are_those_of_scikit_learn():
    labels, logits = draw(1)
    pixels = valid_pixels(labels, logits)
    expected = {
        "pixel_accuracy": sklearn_metrics.accuracy_score(*pixels),
        "frequency_weighted_iou": sklearn_metrics.jaccard_score(*pixels, average="weighted"),
    }
    for name, (score, metric) in OF_ALL.items():
        assert score(counted(labels, logits)) == pytest.approx(expected[name])
        streamed = updated(metric(CLASSES), (labels, logits))
        assert float(streamed.result()) == pytest.approx(expected[name], rel=1e-6)


def test_mean_accuracy_is_balanced_accuracy():
    labels, logits = draw(2)
    expected = sklearn_metrics.balanced_accuracy_score(*valid_pixels(labels, logits))
    assert metrics.mean_accuracy(counted(labels, logits)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("score", "known", "absent_classes"),
    [
        ("iou", [3 / 5, 5 / 6, 0], [3]),
        ("dice", [6 / 8, 10 / 11, 0], [3]),
        ("accuracy", [3 / 5, 1], [2, 3]),
    ],
)
@pytest.mark.parametrize(("absent", "value"), [("skip", None), ("one", 1), ("zero", 0)])
def test_absent_classes_count_as_is_said(score, known, absent_classes, absent, value):
    of_classes, mean, metric, _ = OF_CLASSES[score]
    scores = of_classes(SOME_ABSENT, absent=absent)
    np.testing.assert_allclose(scores[: len(known)], known)
    np.testing.assert_array_equal(scores[absent_classes], np.nan if value is None else value)
    counting = [*known, *[value] * len(absent_classes)] if value is not None else known
    assert mean(SOME_ABSENT, absent=absent) == pytest.approx(np.mean(counting))
    streamed = metric(CLASSES, absent=absent)
    streamed.confusion.assign(SOME_ABSENT)
    np.testing.assert_allclose(streamed.class_scores(), scores)
    assert float(streamed.result()) == pytest.approx(np.mean(counting), rel=1e-6)


def test_a_class_that_is_in_no_truth_has_no_weight():
    expected = (5 * 3 / 5 + 5 * 5 / 6) / 10
    assert metrics.frequency_weighted_iou(SOME_ABSENT) == pytest.approx(expected)


def test_nothing_counted_is_0():
    nothing = np.zeros((3, 3), int)
    for _, mean, metric, _ in OF_CLASSES.values():
        assert mean(nothing) == float(metric(3).result()) == 0
    for score, metric in OF_ALL.values():
        assert score(nothing) == float(metric(3).result()) == 0


def test_another_treatment_is_refused():
    said = r"treatment of absent classes 'ones'.*mean 'one'"
    with pytest.raises(KerassegError, match=said):
        metrics.MeanIoU(3, absent="ones")
    with pytest.raises(KerassegError, match=said):
        metrics.mean_iou(SOME_ABSENT, "ones")
