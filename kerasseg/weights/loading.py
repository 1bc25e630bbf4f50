"""Weights from a file, every tensor of it and of the model, or an error that lists what differs."""

import os
import warnings
import zipfile

import keras

from kerasseg.errors import first_line
from kerasseg.weights.comparison import differences, misfit, shapes_in_file, shapes_in_model

UNREADABLE = (OSError, KeyError, zipfile.BadZipFile)


def load_exactly(
    model: keras.Model, path: str | os.PathLike[str], problem: str, remedy: str
) -> None:
    """Loads a `.keras`, `.weights.h5` or `.h5` file that holds the tensors of a model, no others.

    Args:
        model: The model.
        path: The file.
        problem: Which file does not fit what, for the message of the error.
        remedy: What to do then.

    Raises:
        KerassegError: If the file is damaged, or holds other tensors than those of the model:
            fewer, more, or of other shapes; the message lists them all.
    """
    try:
        held = shapes_in_file(path)
    except UNREADABLE as error:
        raise misfit(problem, f"{first_line(error).rstrip('.')}.", remedy) from error
    try:
        _load(model, path, len(held))
    except (OSError, ValueError, KeyError, UserWarning) as error:
        found = differences(held, shapes_in_model(model)) or f"{first_line(error).rstrip('.')}."
        raise misfit(problem, found, remedy) from error


def _load(model: keras.Model, path: str | os.PathLike[str], held: int) -> None:
    # Keras leaves tensors unread that the model has no place for, and does not say so.
    if held != len(model.weights):
        raise ValueError(f"it holds {held} tensors, and the model has {len(model.weights)}")
    with warnings.catch_warnings():
        # With this warning Keras goes on and leaves layers as they were.
        warnings.filterwarnings("error", message="Skipping nested container")
        model.load_weights(os.fspath(path))
