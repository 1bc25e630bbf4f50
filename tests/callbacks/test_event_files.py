import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from kerasseg.callbacks import EpochScalars, forget_later_epochs


def steps(folder):
    """Returns the steps of each tag that TensorBoard shows of a folder."""
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    return {tag: [event.step for event in events.Tensors(tag)] for tag in events.Tags()["tensors"]}


def write(folder, epochs):
    scalars = EpochScalars(folder)
    for epoch in epochs:
        scalars.on_epoch_end(epoch, {"loss": epoch / 2, "val_loss": 1.0})
    return scalars


@pytest.mark.parametrize("done", [0, 2, 4])
def test_epochs_that_are_trained_again_are_shown_once(tmp_path, done):
    write(tmp_path, range(4))
    forget_later_epochs(tmp_path, done)
    for folder in ("train", "validation"):
        assert steps(tmp_path / folder) == ({"epoch_loss": list(range(done))} if done else {})
    write(tmp_path, range(done, 5))
    for folder in ("train", "validation"):
        # TensorBoard reads files of one second in the order of their names.
        (shown,) = steps(tmp_path / folder).values()
        assert sorted(shown) == [0, 1, 2, 3, 4]


def test_a_file_of_epochs_that_are_done_is_not_touched(tmp_path):
    write(tmp_path, range(4))
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("events*")}
    forget_later_epochs(tmp_path, 4)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("events*")} == files


def test_a_record_that_was_being_written_is_cut_off(tmp_path):
    write(tmp_path, range(4))
    (path,) = (tmp_path / "train").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[-40:-10])
    forget_later_epochs(tmp_path, 4)
    assert path.read_bytes() == whole


def test_what_somebody_else_shows_there_stays(tmp_path):
    with tf.summary.create_file_writer(str(tmp_path / "mine")).as_default():
        tf.summary.scalar("room temperature", 21.0, step=900)
    (tmp_path / "notes.txt").write_text("a warm room")
    forget_later_epochs(tmp_path, 0)
    assert steps(tmp_path / "mine") == {"room temperature": [900]}
    assert (tmp_path / "notes.txt").is_file()


def test_what_an_earlier_start_was_rewriting_is_deleted(tmp_path):
    write(tmp_path, range(2))
    (path,) = (tmp_path / "train").iterdir()
    (path.parent / f".{path.name}.12-ab.partial.v2").write_bytes(path.read_bytes())
    forget_later_epochs(tmp_path, 2)
    assert list(path.parent.iterdir()) == [path]


def test_without_a_directory_there_is_nothing_to_forget(tmp_path):
    forget_later_epochs(tmp_path / "tensorboard", 0)
    assert not (tmp_path / "tensorboard").exists()
