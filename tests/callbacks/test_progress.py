import pytest

from kerasseg.callbacks import Progress, progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved on."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def move(seconds):
        now[0] += seconds

    return move


def test_logs_images_a_second_and_minutes_left(clock):
    callback = Progress(batch_size=8, steps_per_epoch=4, epochs=3)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    logs = {"loss": 1.0}
    clock(2.0)
    callback.on_train_batch_end(0, logs)
    assert logs == {
        "loss": 1.0,
        "images_per_second": pytest.approx(4.0),
        "minutes_left": pytest.approx(11 * 2 / 60),
    }
    clock(1.0)
    callback.on_train_batch_end(1, logs)
    assert logs["images_per_second"] == pytest.approx(16 / 3)
    assert logs["minutes_left"] == pytest.approx(10 * 1.5 / 60)


def test_the_speed_is_that_of_the_epoch_and_the_time_left_counts_validation_in(clock):
    callback = Progress(batch_size=8, steps_per_epoch=1, epochs=3)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    clock(2.0)
    callback.on_train_batch_end(0, {})
    clock(4.0)
    callback.on_epoch_begin(1)
    clock(2.0)
    logs = {}
    callback.on_train_batch_end(0, logs)
    assert logs["images_per_second"] == pytest.approx(4.0)
    assert logs["minutes_left"] == pytest.approx(1 * 8 / 2 / 60)


def test_a_resumed_run_counts_the_epochs_before_as_done(clock):
    callback = Progress(batch_size=8, steps_per_epoch=4, epochs=3)
    callback.on_train_begin()
    callback.on_epoch_begin(2)
    clock(3.0)
    logs = {}
    callback.on_train_batch_end(2, logs)
    assert logs["minutes_left"] == pytest.approx(1 * 3 / 60)


def test_the_seconds_of_all_starts_are_added(clock):
    first = Progress(8, 4, 3)
    assert first.seconds == 0
    first.on_train_begin()
    clock(7.0)
    second = Progress(8, 4, 3)
    second.restore(first.state())
    assert second.seconds == 7
    clock(100.0)
    second.on_train_begin()
    clock(5.0)
    assert second.seconds == 12
