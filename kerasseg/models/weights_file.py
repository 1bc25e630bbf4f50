"""The weights of a whole model from a file, and the errors when they do not fit."""

import os
import zipfile
from contextlib import ExitStack
from typing import IO, Any, TypeAlias

import keras

from kerasseg.errors import KerassegError

WeightsPath: TypeAlias = str | os.PathLike[str]

SUFFIXES = (".weights.h5", ".keras")


def check_weights_file(path: WeightsPath, name: str) -> None:
    """Raises a `KerassegError` unless there is a file that a model called `name` may load."""
    problem = ""
    if not os.path.isfile(path):
        problem = "no such file"
    elif not os.fspath(path).endswith(SUFFIXES):
        problem = "unknown suffix"
    if problem:
        raise KerassegError(
            f"weights: {problem}: {os.fspath(path)}. Give the path of a .weights.h5 or .keras "
            f"file that a {name} was saved to, or None."
        )


def load_weights(model: keras.Model, path: WeightsPath) -> None:
    """Loads every weight of a model from a `.weights.h5` or `.keras` file.

    Raises:
        KerassegError: If the file is damaged, or holds other weights than those of the model:
            fewer, more, or of other shapes.
    """
    try:
        held = _count_arrays(path)
        # Keras leaves arrays unread that the model has no place for, and does not say so.
        if held != len(model.weights):
            raise ValueError(f"it holds {held} arrays, the model {len(model.weights)}")
        model.load_weights(os.fspath(path))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise KerassegError(
            f"weights: {os.fspath(path)} does not fit this {model.name}: {reason}.\n"
            "Build it with the arguments that the saved model was built with."
        ) from error


def _count_arrays(path: WeightsPath) -> int:
    """Returns how many arrays a file holds beside the state of an optimizer."""
    import h5py

    with ExitStack() as stack:
        source: WeightsPath | IO[bytes] = path
        if os.fspath(path).endswith(".keras"):
            archive = stack.enter_context(zipfile.ZipFile(path))
            source = stack.enter_context(archive.open("model.weights.h5"))
        groups = stack.enter_context(h5py.File(source, "r"))
        paths: list[str] = []

        def note(name: str, entry: Any) -> None:
            if isinstance(entry, h5py.Dataset) and not name.startswith("optimizer/"):
                paths.append(name)

        groups.visititems(note)
        return len(paths)
