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


def train(callback, clock, *epochs, first=0):
    """Goes through epochs of calls of a number of steps and of seconds each."""
    callback.on_train_begin()
    for epoch, calls in enumerate(epochs, start=first):
        callback.on_epoch_begin(epoch)
        done = 0
        for steps, seconds in calls:
            callback.on_train_batch_begin(done)
            clock(seconds)
            # Keras numbers each call as if it were of as many steps as the first.
            callback.on_train_batch_end(done + calls[0][0] - 1, {})
            done += steps
        clock(30.0)  # a validation
        callback.on_epoch_end(epoch)


TRACED = [(1, 10.0), (1, 1.0), (1, 1.0), (1, 1.0)]


def test_the_step_that_traces_the_graph_is_not_timed(clock):
    callback = Progress(8, 4, 1)
    train(callback, clock, TRACED)
    assert callback.step_seconds == pytest.approx(1.0)


def test_an_epoch_in_which_caches_were_filled_counts_only_alone(clock):
    callback = Progress(8, 4, 4)
    train(callback, clock, TRACED, *([(1, seconds)] * 4 for seconds in (0.5, 0.25, 0.75)))
    assert callback.step_seconds == pytest.approx(0.5)


def test_a_start_of_a_single_step_does_not_tell_what_a_step_takes(clock):
    callback = Progress(8, 1, 3)
    assert callback.step_seconds is None
    train(callback, clock, [(1, 10.0)], first=2)
    assert callback.step_seconds is None
    assert callback.epochs_done == 3


def test_two_steps_beside_the_traced_one_do_not_either(clock):
    callback = Progress(8, 3, 1)
    train(callback, clock, TRACED[:3])
    assert callback.step_seconds is None


def test_epochs_of_a_single_step_are_timed_from_the_second_on(clock):
    callback = Progress(8, 1, 4)
    train(callback, clock, [(1, 10.0)], [(1, 1.0)], [(1, 2.0)], [(1, 1.5)])
    assert callback.step_seconds == pytest.approx(1.5)


def test_a_shorter_call_at_the_end_of_an_epoch_traces_its_own_graph(clock):
    callback = Progress(8, 7, 1)
    train(callback, clock, [(2, 10.0), (2, 3.0), (2, 3.0), (1, 10.0)])
    assert callback.step_seconds == pytest.approx(1.5)


def test_the_minutes_left_after_a_validation_know_of_it(clock):
    callback = Progress(8, 4, 3)
    train(callback, clock, TRACED)
    assert callback.minutes_left == pytest.approx(2 * (13 + 30) / 60)
