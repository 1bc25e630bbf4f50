"""The weights of a whole model from a file, and the errors when they do not fit."""

import os
import warnings
import zipfile
from typing import TypeAlias

import keras

from kerasseg.errors import KerassegError, first_line
from kerasseg.weights_comparison import (
    Shapes,
    differences,
    misfit,
    shapes_in_file,
    shapes_in_model,
)

WeightsPath: TypeAlias = str | os.PathLike[str]

SUFFIXES = (".weights.h5", ".keras")


def check_weights_file(path: WeightsPath, name: str) -> None:
    """Raises a `KerassegError` unless there is a file that a model called `name` may load."""
    problem = ""
    if not isinstance(path, (str, os.PathLike)):
        problem = "not a path"
    elif not os.path.isfile(path):
        problem = "no such file"
    elif not os.fspath(path).endswith(SUFFIXES):
        problem = "unknown suffix"
    if problem:
        raise KerassegError(
            f"weights: {problem}: {path}. Give the path of a .weights.h5 or .keras file that holds "
            f"weights of {name}, or None."
        )


def load_weights(model: keras.Model, path: WeightsPath) -> None:
    """Loads every weight of a model from a `.weights.h5` or `.keras` file.

    Raises:
        KerassegError: If the file is damaged, or holds other weights than those of the model:
            fewer, more, or of other shapes; the message lists them all.
    """
    try:
        held = shapes_in_file(path)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise KerassegError(
            f"weights: {os.fspath(path)} cannot be read: {first_line(error)}.\n"
            f"Give a .weights.h5 or .keras file that holds weights of {model.name}."
        ) from error
    # Keras leaves tensors unread that the model has no place for, and does not say so.
    if len(held) != len(model.weights):
        raise _misfit(model, path, held, f"it holds {len(held)} tensors")
    try:
        with warnings.catch_warnings():
            # With this warning Keras goes on and leaves layers as they were.
            warnings.filterwarnings("error", message="Skipping nested container")
            model.load_weights(os.fspath(path))
    except (OSError, ValueError, KeyError, UserWarning) as error:
        raise _misfit(model, path, held, first_line(error)) from error


def _misfit(model: keras.Model, path: WeightsPath, held: Shapes, problem: str) -> KerassegError:
    return misfit(
        f"weights: {os.fspath(path)} does not fit this {model.name}",
        differences(held, shapes_in_model(model)) or problem,
        "Build it with the arguments that the saved model was built with.",
    )
