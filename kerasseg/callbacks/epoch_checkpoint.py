"""Checkpoints from which a run goes on as if it had never stopped."""

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.files import atomic_directory, atomic_file
from kerasseg.workers.workers import Workers


class EpochCheckpoint(keras.callbacks.Callback):
    """Saves after every epoch all that the next one depends on, whole or not at all.

    A checkpoint is a directory `epoch-N` with every variable of the model and the optimizer
    (weights, batch-norm statistics, the state of each dropout's random numbers, moments, moving
    averages, the step) and the state of the callbacks that ask for it. It appears by a rename,
    and the one before it is deleted after that.

    Args:
        directory: Where the checkpoints lie.
        history: A CSV file, written anew from the checkpoint's own rows after every epoch, so
            that a resumed run has each epoch once.
        stateful: Callbacks with `state()` and `restore(state)`, by name, saved too.

    Example:
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        >>> model.compile("adam", "mse")
        >>> checkpoint = EpochCheckpoint("checkpoint", "history.csv")
        >>> checkpoint.restore(model)
        0
        >>> x, y = np.ones((4, 3)), np.ones((4, 1))
        >>> history = model.fit(x, y, epochs=2, callbacks=[checkpoint], verbose=0)
        >>> EpochCheckpoint("checkpoint", "history.csv").restore(model)  # in a new process
        2
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        history: str | os.PathLike[str],
        stateful: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.directory = Path(directory)
        self.history = Path(history)
        self.stateful = stateful or {}
        self.rows: list[dict[str, float]] = []

    def restore(self, model: keras.Model, workers: Workers | None = None) -> int:
        """Puts the newest checkpoint into a compiled model and the callbacks.

        Args:
            model: The model.
            workers: Several machines, which see the directory in common: all restore the epoch
                that the chief does, and the chief alone tidies up and writes. None: this process
                is the only one.

        Returns:
            How many epochs are done; 0 where there is no checkpoint.

        Raises:
            KerassegError: If the checkpoint is that of another model or optimizer, lacks what a
                callback needs, or is not seen from this machine.
        """
        workers = workers or Workers(tf.distribute.get_strategy())
        if workers.is_chief:
            self._clear_away()
        epoch = workers.from_chief(self._newest())
        if not epoch:
            return 0
        checkpoint = self._of_epoch(epoch)
        state = json.loads((checkpoint / "state.json").read_text())
        self._check_callbacks(state["callbacks"], checkpoint)
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        with np.load(checkpoint / "variables.npz") as saved:
            _assign(_variables(model), saved, state["variables"], checkpoint)
        self.rows = state["history"]
        for name, callback in self.stateful.items():
            callback.restore(state["callbacks"][name])
        if workers.is_chief:
            # The run may have been stopped after the checkpoint and before the file.
            self._write_history()
        return int(state["epoch"])

    def _newest(self) -> int:
        return max(map(_number, self._all()), default=0)

    def _of_epoch(self, epoch: int) -> Path:
        path = self.directory / f"epoch-{epoch}"
        if not path.is_dir():
            raise KerassegError(
                f"the chief goes on after epoch {epoch}, and this machine sees no {path}. Give as "
                "--run-dir a directory on a file system that all machines share."
            )
        return path

    def _check_callbacks(self, saved: dict[str, Any], checkpoint: Path) -> None:
        missing = [name for name in self.stateful if name not in saved]
        if missing:
            raise KerassegError(
                f"{checkpoint} was saved by another version of kerasseg: it does not hold the "
                f"state of {missing[0]!r}. Go on with the version that began the run, which its "
                "run.json names, or choose another --run-dir."
            )

    def _clear_away(self) -> None:
        """Deletes what was half written or half deleted when an earlier start was killed."""
        incomplete = [path for path in self._all() if not (path / "state.json").is_file()]
        for path in [*incomplete, *self.directory.glob(".epoch-*.partial")]:
            shutil.rmtree(path)

    def _all(self) -> list[Path]:
        return [path for path in self.directory.glob("epoch-*") if path.name[6:].isdecimal()]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Saves the checkpoint of an epoch that has ended."""
        row = {"epoch": epoch + 1, **{key: float(value) for key, value in (logs or {}).items()}}
        self.rows.append(row)
        variables = _variables(self.model)
        state = {
            "epoch": epoch + 1,
            "variables": [variable.path for variable in variables],
            "history": self.rows,
            "callbacks": {name: each.state() for name, each in self.stateful.items()},
        }
        with atomic_directory(self.directory / f"epoch-{epoch + 1}") as temporary:
            arrays: dict[str, Any] = {str(i): np.asarray(v) for i, v in enumerate(variables)}
            np.savez(temporary / "variables.npz", **arrays)
            (temporary / "state.json").write_text(json.dumps(state))
        self._delete_older(epoch + 1)
        self._write_history()

    def _delete_older(self, epoch: int) -> None:
        for path in self._all():
            if _number(path) < epoch:
                # Its mark of completeness goes first: half a checkpoint must not look whole.
                (path / "state.json").unlink(missing_ok=True)
                shutil.rmtree(path)

    def _write_history(self) -> None:
        keys = list(dict.fromkeys(key for row in self.rows for key in row))
        with atomic_file(self.history) as temporary, temporary.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, keys)
            writer.writeheader()
            writer.writerows(self.rows)


def _number(path: Path) -> int:
    return int(path.name.removeprefix("epoch-"))


def _variables(model: keras.Model) -> list[keras.Variable]:
    """Returns weights, random states and optimizer state; metrics begin anew each epoch."""
    metrics = {id(variable) for metric in model.metrics for variable in metric.variables}
    own = [variable for variable in model.variables if id(variable) not in metrics]
    return [*own, *model.optimizer.variables]


def _assign(
    variables: list[keras.Variable], saved: Any, paths: list[str], checkpoint: Path
) -> None:
    shapes = [saved[str(i)].shape for i in range(len(paths))]
    fits = len(variables) == len(paths) and all(
        tuple(variable.shape) == shape for variable, shape in zip(variables, shapes, strict=True)
    )
    if not fits:
        raise KerassegError(
            f"{checkpoint} was saved from another model or optimizer: it holds {len(paths)} "
            f"variables, this run has {len(variables)}. Choose another --run-dir."
        )
    for i, variable in enumerate(variables):
        variable.assign(saved[str(i)])
