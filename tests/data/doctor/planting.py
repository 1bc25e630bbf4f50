"""Faults, planted one at a time in a copy of CamVid."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image


class Planted(NamedTuple):
    """A fault: how it is planted, what it must be found as, and with which file.

    `also` are further findings that the same fault rightly brings.
    """

    plant: Callable[[Path], str]
    kind: str
    also: tuple[str, ...] = ()


Faults = dict[str, Planted]


def into(faults: Faults):
    """Returns a decorator of functions that plant a fault and return the path that must be named.

    It takes the kinds of the findings that the fault brings, and puts both into `faults`.
    """

    def fault(kind: str, *also: str):
        def register(plant):
            faults[plant.__name__] = Planted(plant, kind, also)
            return plant

        return register

    return fault


def image(folder: Path, number: int = 3, split: str = "train") -> Path:
    return sorted((folder / split / "images").iterdir())[number]


def label(folder: Path, number: int = 3, split: str = "train") -> Path:
    return sorted((folder / split / "labels").iterdir())[number]


def shown(path: Path) -> str:
    return "/".join(path.parts[-3:])


def ids_of(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).copy()


def save(path: Path, values: np.ndarray, **options) -> str:
    Image.fromarray(values).save(path, **options)
    return shown(path)


def each_label(folder: Path, split: str):
    return sorted((folder / split / "labels").iterdir())
