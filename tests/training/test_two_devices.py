"""A run on two devices is the run on one."""

import keras
import pytest

from tests.training.equality import (
    ADAMW,
    SGD,
    TWO_DEVICES,
    assert_same_history,
    assert_same_logits,
    assert_same_weights,
    assert_unequal_void,
)


@pytest.mark.slow
def test_under_sgd_they_learn_what_one_does_and_may_go_on_with_it(
    train, data_dir, tmp_path, monkeypatch
):
    assert_unequal_void(data_dir)
    one, two = tmp_path / "one", tmp_path / "two"
    assert train(one, *SGD) == 0
    assert train(two, *SGD, TWO_DEVICES) == 0
    assert_same_history(two, one)
    assert_same_weights(two, one)

    monkeypatch.setattr(keras.Model, "fit", None)
    assert train(one, *SGD, TWO_DEVICES) == 0


@pytest.mark.slow
def test_under_adamw_they_learn_what_one_does(train, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    assert train(one, *ADAMW) == 0
    assert train(two, *ADAMW, TWO_DEVICES) == 0
    assert_same_history(two, one)
    assert_same_logits(two, one)
