"""What the curves show, read from the text of the picture."""

import re

import matplotlib
import pytest

from kerasseg.evaluation.report.charts import curves


@pytest.fixture
def shown(monkeypatch):
    """Returns the words of the curves of some rows."""
    monkeypatch.setitem(matplotlib.rcParams, "svg.fonttype", "none")
    return lambda *rows: re.findall(r"<text[^>]*>([^<]*)</text>", curves(rows).decode())


def test_one_rate_needs_no_legend(shown):
    words = shown({"epoch": 1, "learning_rate": 0.1}, {"epoch": 2, "learning_rate": 0.05})
    assert "learning rate" in words
    assert "with multiplier 1" not in words


def test_every_rate_has_its_curve(shown):
    row = {"learning_rate": 0.1, "learning_rate_backbone": 0.01, "learning_rate_head": 0.2}
    words = shown({"epoch": 1, **row}, {"epoch": 2, **row})
    assert words[-3:] == ["with multiplier 1", "backbone", "head"]


def test_training_and_validation(shown):
    words = shown({"epoch": 1, "loss": 2.0, "val_loss": 3.0}, {"epoch": 2, "loss": 1.0})
    assert words[-2:] == ["training", "validation"]
    assert "mean IoU" not in words


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_epochs_are_whole(shown, epochs):
    words = shown(*({"epoch": epoch, "loss": 2.0} for epoch in range(1, epochs + 1)))
    before = words[: words.index("epoch")]
    assert before == [str(epoch) for epoch in range(1, epochs + 1)]
