"""The packages of the extra `datasets`."""

import importlib
from typing import Any

from kerasseg.errors import KerassegError


class MissingPackageError(KerassegError):
    """A package of the extra `datasets` is not installed, whatever the data set is like."""


def imported(module: str, what: str) -> Any:
    """Returns a module of the extra `datasets`.

    Args:
        module: Its name: `"scipy.io"`.
        what: What it is needed for, as the subject of a sentence.

    Raises:
        MissingPackageError: If the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.split(".")[0]
        raise MissingPackageError(
            f'{what} need the package {package}: pip install "kerasseg[datasets]".'
        ) from None
