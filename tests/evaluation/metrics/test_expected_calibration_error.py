import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax

from kerasseg.errors import KerassegError
from kerasseg.evaluation import ExpectedCalibrationError
from tests.evaluation.draws import VOID, draw, updated


def error(labels, probabilities, bins):
    """Equation 3 of Guo et al., bin by bin."""
    valid = labels != VOID
    confidence = probabilities.max(axis=-1)[valid]
    right = (probabilities.argmax(axis=-1) == labels)[valid]
    total = 0.0
    for number in range(bins):
        inside = (confidence > number / bins) & (confidence <= (number + 1) / bins)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return total


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_is_the_mean_gap_of_the_bins(bins):
    batches = [draw(seed, (4, 16, 18)) for seed in range(2)]
    labels, logits = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    expected = error(labels, softmax(logits.astype(np.float64), axis=-1), bins)
    found = float(updated(ExpectedCalibrationError(4, num_bins=bins), *batches).result())
    assert found == pytest.approx(expected, abs=1e-6)
    metric = ExpectedCalibrationError(4, num_bins=bins, from_logits=False)
    metric.update_state(labels, softmax(logits, axis=-1))
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


def test_a_network_that_is_right_as_often_as_it_says_has_none():
    labels = np.repeat([0, 1], [75, 25]).reshape(1, 10, 10)
    probabilities = np.broadcast_to([0.75, 0.25], (1, 10, 10, 2))
    metric = ExpectedCalibrationError(2, from_logits=False)
    metric.update_state(labels, probabilities)
    assert float(metric.result()) == 0
    metric.update_state(1 - labels, probabilities)
    assert float(metric.result()) == 0.25


def test_a_confidence_at_the_border_of_two_bins_is_in_the_lower_one():
    metric = ExpectedCalibrationError(2, num_bins=4, from_logits=False)
    metric.update_state(np.array([[[0, 0]]]), np.array([[[[0.75, 0.25], [1.0, 0.0]]]]))
    assert np.asarray(metric.bins)[0].tolist() == [0, 0, 1, 1]


def test_logits_that_are_said_to_be_probabilities_are_refused():
    labels, logits = draw(0)
    metric = ExpectedCalibrationError(4, from_logits=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="say from_logits=True"):
        metric.update_state(labels, 3 * logits)


def test_a_number_of_bins_below_1_is_refused():
    with pytest.raises(KerassegError, match="num_bins is a whole number of at least 1; received 0"):
        ExpectedCalibrationError(2, num_bins=0)
