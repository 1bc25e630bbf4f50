"""The Oxford-IIIT pets, some of them no JPEG, among files that macOS left behind."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.trees.pictures import Size, Written, save, save_list, scenes


def write(folder: Path, count: int = 2, size: Size = (48, 64), seed: int = 0) -> Written:
    """Writes `images` and `annotations`; the first image is a PNG with alpha, the second a GIF."""
    written: Written = {"trainval": {}, "test": {}}
    trimaps = folder / "annotations" / "trimaps"
    for number, (photo, ids) in enumerate(scenes(2 * count, size, 2, seed)):
        split, name = list(written)[number % 2], f"Egyptian_Mau_{number}"
        path = folder / "images" / f"{name}.jpg"
        save(photo, path)
        if number == 0:
            Image.fromarray(photo).convert("RGBA").save(path, format="PNG")
        elif number == 1:
            Image.fromarray(photo).quantize(256).save(path, format="GIF")
        save(np.array([2, 1, *[3] * 254], np.uint8)[ids], trimaps / f"{name}.png")
        for extra in (trimaps / f"._{name}.png", folder / "images" / f"._{name}.jpg"):
            extra.write_bytes(b"\x00\x05\x16\x07")
        written[split][name] = ids
    (folder / "images" / "Abyssinian_100.mat").write_bytes(b"")
    for split, names in written.items():
        save_list([f"{name} 1 1 1" for name in names], folder / "annotations" / f"{split}.txt")
    save_list(["#Image CLASS-ID SPECIES BREED ID"], folder / "annotations" / "list.txt")
    return written
