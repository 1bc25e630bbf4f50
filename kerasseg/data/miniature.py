"""A tiny folder data set of any classes, drawn at random: what a smoke test runs on."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet

SIZE = (96, 128)
"""Height and width of the images, in pixels."""

_BLOCK = 8


def write_miniature(
    directory: str | os.PathLike[str],
    labels: LabelSet,
    counts: Mapping[str, int],
    *,
    seed: int = 0,
) -> Path:
    """Writes images of blocks in the colours of the classes, and returns the directory.

    The classes take turns from block to block, void among them, so that up to 191 classes are in
    every image and each of more is in some.

    Args:
        directory: Where the splits go, as `find_pairs` reads them.
        labels: Classes, colours and void label.
        counts: Images of each split, at least one.
        seed: Of the places and of the noise.

    Raises:
        KerassegError: If the directory exists.

    Example:
        >>> from kerasseg.data import find_pairs, read_pair
        >>> folder = write_miniature("tiny", LabelSet(("road", "car")), {"train": 2, "val": 1})
        >>> image, label = read_pair(find_pairs(folder, "train")[0])
        >>> image.shape, np.unique(label).tolist()
        ((96, 128, 3), [0, 1, 255])
    """
    folder = Path(directory)
    if folder.exists():
        raise KerassegError(f"{folder} exists already: remove it or give another directory.")
    generator = np.random.default_rng(seed)
    values = np.array([*range(labels.num_classes), labels.ignore_label])
    begin = 0
    for split, count in counts.items():
        for kind in ("images", "labels"):
            (folder / split / kind).mkdir(parents=True)
        for number in range(count):
            label = _label(values, begin, generator)
            begin += label.size // _BLOCK**2
            _save(folder / split, f"{number:03}", _image(label, labels, generator), label)
    return folder


def _label(values: np.ndarray, begin: int, generator: np.random.Generator) -> np.ndarray:
    """Returns a label map `(H, W)` whose blocks take the next of the values, in random places."""
    height, width = (side // _BLOCK for side in SIZE)
    places = generator.permutation(np.arange(begin, begin + height * width))
    blocks = values[places % len(values)].reshape(height, width)
    kind = np.uint8 if values.max() < 256 else np.uint16
    return np.kron(blocks, np.ones((_BLOCK, _BLOCK), int)).astype(kind)


def _image(label: np.ndarray, labels: LabelSet, generator: np.random.Generator) -> np.ndarray:
    colours = np.full((int(label.max()) + 1, 3), 128)
    colours[: labels.num_classes] = np.array(labels.colours)[: len(colours)]
    noise = generator.integers(-20, 20, (*label.shape, 3))
    return np.clip(colours[label] + noise, 0, 255).astype(np.uint8)


def _save(folder: Path, name: str, image: np.ndarray, label: np.ndarray) -> None:
    from PIL import Image

    Image.fromarray(image).save(folder / "images" / f"{name}.png")
    Image.fromarray(label).save(folder / "labels" / f"{name}.png")
