"""A step that XLA compiles is the same step."""

import numpy as np
import pytest
import tensorflow as tf

from tests.processes import run_python
from tests.training.runs import history, weights

PLAIN = (
    "training.deterministic=false",
    "training.precision=float32",
    "training.epochs=2",
    "model.dropout=0",
    "optimizer.name=SGD",
    "output.pictures=0",
)


PROGRAM = """
import sys
import keras
from tests.tiny import tiny_backbone
from training.train import main

fit = keras.Model.fit


def told(self, *arguments, **options):
    print("compiled by XLA:", self.jit_compile)
    return fit(self, *arguments, **options)


keras.Model.fit = told
with tiny_backbone():
    sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_it_learns_the_same(recipe, data_dir, tmp_path):
    """In processes of their own: where determinism was turned on, XLA stays off."""

    def said(run_dir, *settings):
        chosen = [part for setting in (*PLAIN, *settings) for part in ("--set", setting)]
        places = ["--data-dir", str(data_dir), "--run-dir", str(run_dir)]
        return run_python("-c", PROGRAM, str(recipe), *places, *chosen, cwd=tmp_path)

    assert "compiled by XLA: False" in said(tmp_path / "plain")
    assert "compiled by XLA: True" in said(tmp_path / "compiled", "training.jit_compile=true")
    plain, compiled = history(tmp_path / "plain"), history(tmp_path / "compiled")
    for one, other in zip(plain, compiled, strict=True):
        assert float(one["loss"]) == pytest.approx(float(other["loss"]), abs=1e-3)
        assert float(one["mean_iou"]) == pytest.approx(float(other["mean_iou"]), abs=0.02)
    expected = weights(tmp_path / "plain")
    for path, value in weights(tmp_path / "compiled").items():
        np.testing.assert_allclose(value, expected[path], rtol=1e-3, atol=1e-4, err_msg=path)


def test_it_is_refused_where_determinism_is_on(train, tmp_path, capsys):
    tf.config.experimental.enable_op_determinism()
    assert train(tmp_path / "run", *PLAIN, "training.jit_compile=true") == 2
    assert "train in a process of its own" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
