"""The logs of the epochs in TensorBoard."""

import os
from pathlib import Path

import keras
import tensorflow as tf


class EpochScalars(keras.callbacks.Callback):
    """Shows TensorBoard the logs of every epoch, under the names that Keras' callback gives them.

    They are in the files when the epoch's checkpoint is saved, if this callback stands before that
    in the list: Keras' `TensorBoard` holds them back for up to two minutes, and a process that is
    killed takes them along. It also writes the validation's a second time, by steps, which no
    resumed run could set right; see `forget_later_epochs`.

    Args:
        directory: Where the files go, in `train` and `validation`.

    Example:
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        >>> scalars = EpochScalars("tensorboard")
        >>> scalars.on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0})  # as `fit` does
        >>> sorted(path.name for path in Path("tensorboard").iterdir())
        ['train', 'validation']
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        super().__init__()
        self.directory = Path(directory)
        self._writers: dict[str, tf.summary.SummaryWriter] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Writes the logs."""
        for name, value in (logs or {}).items():
            folder = "validation" if name.startswith("val_") else "train"
            with self._writer(folder).as_default(), tf.device("CPU"):
                tf.summary.scalar(f"epoch_{name.removeprefix('val_')}", value, step=epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Closes the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _writer(self, folder: str) -> tf.summary.SummaryWriter:
        if folder not in self._writers:
            path = str(self.directory / folder)
            self._writers[folder] = tf.summary.create_file_writer(path)
        return self._writers[folder]
