"""The weights of a whole model from a file, and the errors when they do not fit."""

import os
from typing import TypeAlias

import keras

from kerasseg.errors import KerassegError, first_line
from kerasseg.weights.comparison import shapes_in_file
from kerasseg.weights.loading import UNREADABLE, load_exactly

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
        shapes_in_file(path)
    except UNREADABLE as error:
        raise KerassegError(
            f"weights: {os.fspath(path)} cannot be read: {first_line(error)}.\n"
            f"Give a .weights.h5 or .keras file that holds weights of {model.name}."
        ) from error
    load_exactly(
        model,
        path,
        problem=f"weights: {os.fspath(path)} does not fit this {model.name}",
        remedy="Build it with the arguments that the saved model was built with.",
    )
