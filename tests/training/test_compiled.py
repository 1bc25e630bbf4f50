"""A step that XLA compiles is the same step."""

import pytest

from tests.training.runs import history

PLAIN = (
    "training.deterministic=false",
    "training.precision=float32",
    "training.epochs=2",
    "model.dropout=0",
    "optimizer.name=SGD",
    "output.pictures=0",
)


@pytest.mark.slow
def test_it_learns_the_same(train, tmp_path):
    assert train(tmp_path / "plain", *PLAIN) == 0
    assert train(tmp_path / "compiled", *PLAIN, "training.jit_compile=true") == 0
    plain, compiled = history(tmp_path / "plain"), history(tmp_path / "compiled")
    for one, other in zip(plain, compiled, strict=True):
        assert float(one["loss"]) == pytest.approx(float(other["loss"]), abs=1e-3)
        assert float(one["mean_iou"]) == pytest.approx(float(other["mean_iou"]), abs=0.02)
