"""A saved model from its file or its run directory."""

import os
import re
import zipfile
from pathlib import Path

import keras

from kerasseg.errors import KerassegError, first_line


def load(path: str | os.PathLike[str]) -> keras.Model:
    """Returns a saved model, not compiled, to predict with or to compile and train on.

    Args:
        path: A `.keras` file, or a run directory, whose `model.keras` is taken.

    Raises:
        KerassegError: If there is no such file, it holds no model (weights alone, a SavedModel,
            something else), it is damaged, or it holds layers of a package that is not imported.

    Example:
        >>> import kerasseg
        >>> model = kerasseg.EfficientFCN("mobilenetv2", 5, backbone_weights=None)
        >>> model.save("leaves.keras")
        >>> load("leaves.keras").output_shape
        (None, None, None, 5)
    """
    path = Path(path)
    if path.is_dir():
        return _of_directory(path)
    _check_name(path)
    return read_model(path)


def read_model(file: Path) -> keras.Model:
    """Returns the model of a `.keras` file that is there, not compiled.

    Raises:
        KerassegError: If the file holds no model, is damaged, or holds layers of a package that
            is not imported.
    """
    if not zipfile.is_zipfile(file):
        raise KerassegError(
            f"{file} is no model that Keras saved, or is damaged: a .keras file is a zip archive, "
            "and this is none. If it was copied, was the copy cut short?"
        )
    try:
        return keras.models.load_model(file, compile=False)
    except Exception as error:  # which one depends on the byte that is wrong
        raise KerassegError(f"{file} cannot be loaded: {_reason(error)}") from None


def _check_name(path: Path) -> None:
    if not path.is_file():
        raise KerassegError(
            f"no such file: {path}. Give a .keras file or a run directory of training.train."
        )
    if path.suffix == ".h5":
        raise KerassegError(
            f"{path} holds weights alone, as .h5 files do here. Build the model with the arguments "
            "it was trained with and weights= this file."
        )
    if path.suffix != ".keras":
        raise KerassegError(
            f"{path} is no .keras file: give one that model.save wrote, or a run directory."
        )


def _of_directory(path: Path) -> keras.Model:
    from kerasseg.run import Run

    if (path / "saved_model.pb").is_file():
        raise KerassegError(
            f"{path} is a SavedModel, which is for serving and cannot be trained on. Give the "
            ".keras file or the run directory that it was exported from."
        )
    return Run.open(path).load_model()


def _reason(error: Exception) -> str:
    """Returns what is wrong, in one sentence."""
    missing = re.search(r"Could not locate class '([^']+)'", str(error))
    if missing:
        return (
            f"it holds a {missing[1]}, which no imported package has registered. Import the "
            "package that defines it first."
        )
    return f"the file is damaged, or of another version of Keras: {first_line(error)[:200]}"
