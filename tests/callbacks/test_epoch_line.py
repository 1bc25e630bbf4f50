import pytest

from kerasseg.callbacks import EpochLine, Progress

LOGS = {"loss": 1.23456, "mean_iou": 0.2, "auxiliary_loss": 0.5, "learning_rate": 0.01}


class Measured(Progress):
    """A progress of a known speed and time left."""

    minutes_left = 12.4

    def __init__(self):
        super().__init__(batch_size=8, steps_per_epoch=4, epochs=6)
        self.images_per_second = 31.44


def said(capsys, logs, minutes=12.4):
    progress = Measured()
    progress.minutes_left = minutes
    EpochLine(progress).on_epoch_end(3, logs)
    (line,) = capsys.readouterr().out.splitlines()
    return line


def test_an_epoch_with_a_validation(capsys):
    line = said(capsys, {**LOGS, "val_mean_iou": 0.15, "val_loss": 2.0})
    assert line == ("epoch 4/6: loss 1.235, mIoU 0.200, val mIoU 0.150, 31.4 images/s, 12 min left")


def test_an_epoch_without_one(capsys):
    assert said(capsys, LOGS) == "epoch 4/6: loss 1.235, mIoU 0.200, 31.4 images/s, 12 min left"


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(0.0, "0 min"), (59.4, "59 min"), (59.6, "1 h 0 min"), (1502.0, "25 h 2 min")],
)
def test_the_time_left(capsys, minutes, expected):
    assert said(capsys, LOGS, minutes).endswith(f", {expected} left")
