"""PASCAL-Context: MATLAB files of 459 numbers, with the list of their names."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

from tests.data.trees.pascal_context_names import NAMES
from tests.data.trees.pictures import Size, Written, save, save_list, scenes

# The numbers of some of the 59 classes, in the list that is published, by their place.
NUMBERS = {0: 2, 10: 397, 14: 284, 15: 308, 19: 427, 25: 46, 27: 80, 36: 189, 51: 19, 58: 458}
OTHERS = (28, 47, 81, 233, 261, 293, 378, 431, 455)


def write(folder: Path, count: int = 2, size: Size = (48, 64), seed: int = 0) -> Written:
    """Writes `trainval/*.mat`, `labels.txt` and `VOCdevkit/VOC2010`.

    What is none of the 59 classes is void in the ids that come back.
    """
    voc = folder / "VOCdevkit" / "VOC2010"
    written: Written = {"train": {}, "val": {}}
    generator = np.random.default_rng(seed)
    (folder / "trainval").mkdir(parents=True, exist_ok=True)
    for number, (photo, places) in enumerate(scenes(2 * count, size, len(NUMBERS), seed)):
        split, name = list(written)[number % 2], f"2008_{number:06}"
        chosen = np.array([*NUMBERS.values(), *[0] * 246])[places]
        stored = np.where(places < 255, chosen, generator.choice(OTHERS, places.shape))
        save(photo, voc / "JPEGImages" / f"{name}.jpg")
        savemat(folder / "trainval" / f"{name}.mat", {"LabelMap": stored.astype(np.uint16)})
        written[split][name] = np.array([*NUMBERS, *[255] * 246])[places]
    for split, names in written.items():
        save_list(list(names), voc / "ImageSets" / "Main" / f"{split}.txt")
    save_list([f"{n}: {name}" for n, name in enumerate(NAMES, start=1)], folder / "labels.txt")
    return written
