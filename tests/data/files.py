"""Little folder data sets, written as files."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from kerasseg.data import Pair, find_pairs
from kerasseg.label_set import LabelSet

LABELS = LabelSet(("ground", "box", "ball"))


def random_label(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Returns a label map `(H, W)` of blocks of classes and void."""
    blocks = generator.choice([0, 1, 2, 255], size=(-(-size[0] // 8), -(-size[1] // 8)))
    return np.kron(blocks, np.ones((8, 8)))[: size[0], : size[1]].astype(np.uint8)


def write_folder(
    folder: Path, sizes: Iterable[tuple[int, int]], split: str = "train", suffix: str = ".png"
) -> list[Pair]:
    """Writes a pair for each (height, width) into `folder/split` and returns the pairs.

    Red of the image is its number, green 100 times the label map's class.
    """
    generator = np.random.default_rng(7)
    for name in ("images", "labels"):
        (folder / split / name).mkdir(parents=True, exist_ok=True)
    for number, size in enumerate(sizes):
        label = random_label(generator, size)
        image = np.zeros((*size, 3), np.uint8)
        image[..., 0] = number
        image[..., 1] = 100 * np.where(label == 255, 0, label)
        Image.fromarray(image).save(folder / split / "images" / f"{number:03}{suffix}")
        Image.fromarray(label).save(folder / split / "labels" / f"{number:03}.png")
    return find_pairs(folder, split)
