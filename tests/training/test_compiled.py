"""A step that XLA compiles is the same step."""

import keras
import numpy as np
import pytest

from tests.training.runs import history, weights

PLAIN = (
    "training.deterministic=false",
    "training.precision=float32",
    "training.epochs=2",
    "model.dropout=0",
    "optimizer.name=SGD",
    "output.pictures=0",
)


@pytest.fixture
def fitted(monkeypatch):
    """Whether XLA compiled the step of each `fit`."""
    found, original = [], keras.Model.fit

    def fit(self, *arguments, **options):
        found.append(self.jit_compile)
        return original(self, *arguments, **options)

    monkeypatch.setattr(keras.Model, "fit", fit)
    return found


@pytest.mark.slow
def test_it_learns_the_same(train, fitted, tmp_path):
    assert train(tmp_path / "plain", *PLAIN) == 0
    assert set(fitted) == {False}
    fitted.clear()
    assert train(tmp_path / "compiled", *PLAIN, "training.jit_compile=true") == 0
    assert set(fitted) == {True}
    plain, compiled = history(tmp_path / "plain"), history(tmp_path / "compiled")
    for one, other in zip(plain, compiled, strict=True):
        assert float(one["loss"]) == pytest.approx(float(other["loss"]), abs=1e-3)
        assert float(one["mean_iou"]) == pytest.approx(float(other["mean_iou"]), abs=0.02)
    expected = weights(tmp_path / "plain")
    for path, value in weights(tmp_path / "compiled").items():
        np.testing.assert_allclose(value, expected[path], rtol=1e-3, atol=1e-4, err_msg=path)
