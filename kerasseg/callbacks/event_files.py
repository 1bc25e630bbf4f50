"""TensorBoard's files of a run that goes on."""

import os
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from kerasseg.files import atomic_file, remove_partial

# What `EpochScalars` and `ValidationBoard` write, by the number of the epoch.
_OURS = ("epoch_", "image ", "confusion matrix")


def forget_later_epochs(directory: str | os.PathLike[str], epochs: int) -> None:
    """Takes out of TensorBoard's files what they show of epochs that will be trained again.

    A start that was killed between an epoch's scalars or pictures and its checkpoint has left them
    there, and TensorBoard would show them twice. A record that it was writing is cut off.

    Args:
        directory: What `EpochScalars` and `ValidationBoard` write to, or a directory above. All
            else that lies there is left as it is.
        epochs: How many epochs are done.

    Example:
        >>> from kerasseg.callbacks import EpochScalars
        >>> scalars = EpochScalars("tensorboard")
        >>> for epoch in range(3):
        ...     scalars.on_epoch_end(epoch, {"loss": 1.0})
        >>> forget_later_epochs("tensorboard", epochs=2)
        >>> (path,) = Path("tensorboard/train").iterdir()
        >>> [event.step for event in _events(path) if event and event.summary.value]
        [0, 1]
    """
    files = sorted(Path(directory).rglob("events.out.tfevents.*"))
    for folder in {path.parent for path in files}:
        remove_partial(folder)
    for path in files:
        if not all(_stays(event, epochs) for event in _events(path)):
            _rewrite(path, epochs)


def _rewrite(path: Path, epochs: int) -> None:
    with atomic_file(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
        for event in _events(path):
            if event and _stays(event, epochs):
                writer.write(event.SerializeToString())


def _stays(event: tf.compat.v1.Event | None, epochs: int) -> bool:
    if event is None:
        return False
    ours = any(value.tag.startswith(_OURS) for value in event.summary.value)
    return not ours or event.step < epochs


def _events(path: Path) -> Iterator[tf.compat.v1.Event | None]:
    """Yields the events of a file, and None at its end if the record there is not whole."""
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            yield tf.compat.v1.Event.FromString(record)
    except tf.errors.DataLossError:
        yield None
