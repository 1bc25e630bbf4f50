import json

import pytest

from kerasseg.callbacks import ReduceOnPlateau
from kerasseg.schedules import PlateauSchedule
from tests.replicas import two_replicas


def plateau(patience=2, factor=0.1):
    return ReduceOnPlateau(PlateauSchedule(1.0), patience, factor)


def show(callback, *scores):
    """Ends a validation with each score and returns the rate after it."""
    rates = []
    for score in scores:
        callback.on_test_end({"mean_iou": score, "loss": 1.0})
        rates.append(round(float(callback.schedule(0)), 6))
    return rates


def test_the_rate_falls_after_patience_validations_without_a_better_score():
    assert show(plateau(), 0.1, 0.2, 0.2, 0.1) == [1, 1, 1, 0.1]


def test_a_better_score_is_waited_for_anew():
    assert show(plateau(), 0.5, 0.4, 0.6, 0.5, 0.7, 0.6, 0.6) == [1, 1, 1, 1, 1, 1, 0.1]


def test_it_falls_again_after_as_many():
    rates = show(plateau(factor=0.5), 0.5, 0.4, 0.4, 0.4, 0.4, 0.4)
    assert rates == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_a_patience_of_one_acts_at_once():
    assert show(plateau(patience=1), 0.5, 0.5, 0.6) == [1, 0.1, 0.1]


@pytest.mark.parametrize("stop", range(6))
def test_a_resumed_run_goes_on_from_its_state(stop):
    scores = (0.5, 0.4, 0.4, 0.6, 0.5, 0.5)
    whole, first, second = plateau(), plateau(), plateau()
    rates = show(whole, *scores)
    show(first, *scores[:stop])
    second.restore(json.loads(json.dumps(first.state())))
    assert show(second, *scores[stop:]) == rates[stop:]
    assert second.state() == whole.state()


def test_a_rate_on_two_replicas():
    with two_replicas().scope():
        callback = plateau(patience=1)
    assert show(callback, 0.5, 0.4) == [1, 0.1]
    assert callback.state() == {"factor": pytest.approx(0.1), "best": 0.5, "wait": 0}
