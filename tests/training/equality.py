"""Runs whose results may not depend on the devices, and how close they are."""

from pathlib import Path

import numpy as np
import pytest

from kerasseg.data import find_pairs, training_batches
from kerasseg.run import Run
from tests.data.files import LABELS
from tests.training.runs import history, weights

_BOTH = (
    "model.variant=paper",  # which has the fewest layers
    "optimizer.average=0.5",
    "training.precision=float32",
    "training.validate_every=1",
    "training.epochs=2",
    "training.batch_size=4",
    "model.dropout=0",  # whose mask every replica draws for its own part
    "output.pictures=0",
)
SGD = ("optimizer.name=SGD", *_BOTH)
ADAMW = ("optimizer.name=AdamW", *_BOTH)
TWO_DEVICES = 'training.devices=["CPU:0", "CPU:1"]'


def assert_unequal_void(data_dir: Path) -> None:
    """What the two halves of a batch have to learn from differs, or the tests would be easy."""
    pairs = find_pairs(data_dir, "train")
    batches = training_batches(pairs, LABELS, batch_size=4, crop_size=(64, 64), epochs=2)
    for _, label in batches:
        valid = (label != LABELS.ignore_label).numpy().sum(axis=(1, 2))
        assert abs(valid[:2].sum() - valid[2:].sum()) > 100


def assert_same_history(run_dir: Path, other: Path) -> None:
    """Losses and metrics of every epoch, training and validation, within 1e-5."""
    for row, expected in zip(history(run_dir), history(other), strict=True):
        assert row.keys() == expected.keys() >= {"loss", "mean_iou", "val_loss", "val_mean_iou"}
        for key, value in expected.items():
            assert float(row[key]) == pytest.approx(float(value), rel=1e-5), key


def assert_same_weights(run_dir: Path, other: Path) -> None:
    """Within 1e-5."""
    for name in ("model.keras", "best.keras"):
        expected = weights(other, name)
        for path, value in weights(run_dir, name).items():
            np.testing.assert_allclose(value, expected[path], rtol=1e-5, atol=1e-5, err_msg=path)


def assert_same_logits(run_dir: Path, other: Path) -> None:
    """Within 1e-5 of their largest."""
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3)).astype(np.float32)
    found, expected = (Run(path).load_model()(images).numpy() for path in (run_dir, other))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
