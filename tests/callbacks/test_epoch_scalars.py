import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from kerasseg.callbacks import EpochScalars


def shown(folder):
    """Returns steps and values of each tag that TensorBoard shows of a folder."""
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    return {
        tag: {
            event.step: float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)
        }
        for tag in events.Tags()["tensors"]
    }


def test_each_log_is_there_as_soon_as_its_epoch_has_ended(tmp_path):
    scalars = EpochScalars(tmp_path)
    scalars.on_epoch_end(3, {"loss": 0.5, "learning_rate": 0.25})
    assert shown(tmp_path / "train") == {"epoch_loss": {3: 0.5}, "epoch_learning_rate": {3: 0.25}}
    assert not (tmp_path / "validation").exists()
    scalars.on_epoch_end(4, {"loss": 0.125, "val_loss": 2.0})
    assert shown(tmp_path / "train")["epoch_loss"] == {3: 0.5, 4: 0.125}
    assert shown(tmp_path / "validation") == {"epoch_loss": {4: 2.0}}


@pytest.mark.parametrize("logs", [None, {}])
def test_an_epoch_without_logs_writes_nothing(tmp_path, logs):
    scalars = EpochScalars(tmp_path)
    scalars.on_epoch_end(0, logs)
    scalars.on_train_end()
    assert list(tmp_path.iterdir()) == []


def test_a_second_fit_goes_on_in_a_new_file(tmp_path):
    scalars = EpochScalars(tmp_path)
    for epoch in range(2):
        scalars.on_epoch_end(epoch, {"loss": 1.0})
        scalars.on_train_end()
    assert len(list((tmp_path / "train").iterdir())) == 2
    assert shown(tmp_path / "train") == {"epoch_loss": {0: 1.0, 1: 1.0}}
