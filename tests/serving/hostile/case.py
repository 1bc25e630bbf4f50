"""One input, and what becomes of it."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from benchmarks.colour_classes import NUM_CLASSES, classes_of


@dataclass(frozen=True)
class Case:
    """A file that a client sends.

    `pixels` is what it shows where it is valid; None where it has to be refused, or, with
    `either`, where it may be: then a mask has to be one at least. `tolerance` is by how much a
    decoder may differ.
    """

    name: str
    contents: bytes
    pixels: np.ndarray | None = None
    tolerance: int = 0
    either: bool = False
    reason: str = ""

    def check(self, mask_bytes: bytes, error: str) -> None:
        """Fails unless the answer is right."""
        assert bool(mask_bytes) != bool(error), self.name
        if error:
            assert self.pixels is None or self.either, f"{self.name}: {error}"
            assert self.reason in error, f"{self.name}: {error}"
            return
        mask = np.asarray(Image.open(io.BytesIO(mask_bytes)))
        assert mask.max() < NUM_CLASSES, self.name
        if self.pixels is not None:
            assert mask.shape == self.pixels.shape[:2], self.name
            wrong = (mask != classes_of(self.pixels)) & self._far_from_edges()
            assert not wrong.any(), f"{self.name}: {wrong.sum()} pixels of {wrong.size}"
        else:
            assert self.either, f"{self.name} got a mask of {mask.shape}"

    def _far_from_edges(self):
        """Which pixels have the same class in every decoder."""
        low, high = (self.pixels.astype(int) + sign * self.tolerance for sign in (-1, 1))
        return (np.clip(low, 0, 255) // 64 == np.clip(high, 0, 255) // 64).all(-1)
