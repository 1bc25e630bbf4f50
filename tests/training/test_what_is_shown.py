"""What a training says while it runs, on a terminal and in a plain log."""

import contextlib
import io
import json
import re

import pytest

from tests.training.runs import history


@pytest.fixture(scope="module")
def logged(train, tmp_path_factory):
    """A run whose output goes to a file, and what is there."""
    run_dir = tmp_path_factory.mktemp("runs") / "logged"
    with contextlib.redirect_stdout(io.StringIO()) as log:
        assert train(run_dir, "output.pictures=0") == 0
    return run_dir, log.getvalue().splitlines()


def test_a_plain_log_has_one_line_an_epoch(logged):
    run_dir, lines = logged
    rows = history(run_dir)
    begin = next(n for n, line in enumerate(lines) if line.startswith("epoch 1/3: "))
    end = next(n for n, line in enumerate(lines) if line.startswith("class "))
    assert end - begin == len(rows) == 3
    for number, (line, row) in enumerate(zip(lines[begin:end], rows, strict=True), start=1):
        scores = f"loss {float(row['loss']):.4g}, mIoU {float(row['mean_iou']):.3f}, "
        if row["val_mean_iou"]:
            scores += f"val mIoU {float(row['val_mean_iou']):.3f}, "
        assert line.startswith(f"epoch {number}/3: {scores}")
        assert re.search(r", [\d.]+ images/s, \d+ min left$", line)


def test_the_wait_for_images_is_printed_and_kept(logged):
    run_dir, lines = logged
    share = json.loads((run_dir / "metrics.json").read_text())["input_share"]
    assert 0 <= share < 1
    (line,) = [line for line in lines if line.startswith("waiting for images: ")]
    shown = float(line.removeprefix("waiting for images: ").removesuffix("% of a step"))
    assert shown == pytest.approx(100 * share, abs=0.1)


@pytest.mark.slow
def test_a_terminal_shows_a_bar(train, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("kerasseg.experiment.experiment.write_report", lambda *_, **__: None)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert train(tmp_path / "run", "output.pictures=0", "training.epochs=2") == 0
    shown = capsys.readouterr().out
    assert not re.search(r"^epoch \d", shown, re.MULTILINE)
    first, last = shown[shown.index("Epoch 1/2") :].split("Epoch 2/2")
    for name in ("loss", "mean_iou", "images_per_second", "minutes_left_of_run"):
        assert f" - {name}: " in first
    assert " - val_mean_iou: " in last
    assert "learning_rate" not in shown
