"""The photos and label maps of the miniatures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

Ids: TypeAlias = np.ndarray
Written: TypeAlias = dict[str, dict[str, Ids]]
Size: TypeAlias = tuple[int, int]

_BLOCK = 8
_COLOURS = np.random.default_rng(3).integers(0, 256, (256, 3))


def scenes(
    count: int, size: Size, num_classes: int, seed: int, void: int | None = 255
) -> Iterator[tuple[np.ndarray, Ids]]:
    """Yields photos, uint8 `(H, W, 3)`, and their class ids, uint8 `(H, W)`.

    Few classes are in a photo, the first always; each class has its colour.
    """
    generator = np.random.default_rng(seed)
    for _ in range(count):
        few = [0, *generator.integers(0, num_classes, 3)] + [void] * (void is not None)
        blocks = generator.choice(few, size=[-(-side // _BLOCK) for side in size])
        ids = np.kron(blocks, np.ones((_BLOCK, _BLOCK), int))[: size[0], : size[1]]
        ids = ids.astype(np.uint8)
        yield photo(ids, generator), ids


def photo(ids: Ids, generator: np.random.Generator) -> np.ndarray:
    """Returns the colour of each class with a little noise, uint8 `(H, W, 3)`."""
    noise = generator.normal(0, 3, (*ids.shape, 1))
    return np.clip(_COLOURS[ids] + noise, 0, 255).astype(np.uint8)


def save(array: np.ndarray, path: Path, **options: Any) -> None:
    """Saves an array as the picture that the suffix of its path asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jpg":
        options = {"quality": 95, "subsampling": 0} | options
    Image.fromarray(array).save(path, **options)


def save_palette(ids: Ids, path: Path) -> None:
    """Saves class ids as the indices of a palette PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(ids, "P")
    picture.putpalette(_COLOURS.astype(np.uint8).tobytes())
    picture.save(path)


def save_list(names: list[str], path: Path) -> None:
    """Saves names, one a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}\n" for name in names))
