"""The images by which int8 finds the range of every value in the network."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kerasseg.errors import KerassegError

if TYPE_CHECKING:
    from kerasseg.run import Run

IMAGES = 64


@dataclass(frozen=True, eq=False)
class Calibration:
    """Images to calibrate by, and where they come from.

    Args:
        images: Pixels, uint8 `(H, W, 3)`, of any sizes.
        facts: What the record of the file is to say of them: the split, the seed.

    Example:
        >>> calibration = Calibration([np.zeros((40, 56, 3), np.uint8)])
        >>> calibration.description
        {'images': 1}
    """

    images: Sequence[np.ndarray]
    facts: Mapping[str, Any] | None = None

    @property
    def description(self) -> dict[str, Any]:
        """How many images there are, and the facts."""
        return {"images": len(self.images), **(self.facts or {})}


def checked_calibration(
    precision: str, images: "Sequence[npt.ArrayLike] | Calibration | None"
) -> Calibration | None:
    """Returns the calibration that int8 needs, and None for any other precision.

    Raises:
        KerassegError: If int8 has no images, another precision has some, or one is of another
            shape or type.
    """
    if precision != "int8":
        if images is not None:
            raise KerassegError(f"calibration_images are for int8; the precision is {precision}.")
        return None
    found = (
        images if isinstance(images, Calibration) else Calibration([*map(np.asarray, images or ())])
    )
    if not found.images:
        raise KerassegError(
            "int8 needs calibration_images: some dozens of pictures of the kind that it will see, "
            "uint8 (H, W, 3)."
        )
    for place, image in enumerate(found.images):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3 or not image.size:
            raise KerassegError(
                f"calibration image {place} is {image.dtype} {image.shape}: uint8 (H, W, 3) is "
                "wanted, RGB of 0..255."
            )
    return found


def calibration_of_run(
    run: "Run", data_dir: str | os.PathLike[str] | None, count: int, seed: int
) -> Calibration:
    """Returns images of a run's training split, drawn without replacement.

    Args:
        run: The run directory.
        data_dir: Where the data lie, if not where the recipe says.
        count: How many; fewer if the split has fewer.
        seed: Of the draw.

    Raises:
        KerassegError: If the data cannot be used or `count` is below 1.

    Example:
        >>> from kerasseg.run import Run
        >>> calibration_of_run(Run("runs/leaves"), None, 0, seed=0)
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: --calibration-images 0: give at least 1.
    """
    from kerasseg.data.streams import decoded, examples_at
    from kerasseg.evaluation.report.of_run import find_split
    from kerasseg.recipe import read_recipe

    if count < 1:
        raise KerassegError(f"--calibration-images {count}: give at least 1.")
    name = read_recipe(run.file("recipe.toml")).data.train_split
    split, _ = find_split(run, name, data_dir)
    drawn = np.random.default_rng(seed).permutation(len(split))[:count]
    images = [decoded(example)[0] for example in examples_at(split, drawn.tolist())]
    return Calibration(images, {"split": name, "seed": seed})
