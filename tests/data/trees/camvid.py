"""CamVid in 11 classes, as a folder data set or as SegNet's authors lay it out."""

from pathlib import Path

from tests.data.trees.pictures import Size, Written, save, scenes


def write(
    folder: Path, count: int = 2, size: Size = (48, 64), seed: int = 0, layout: str = "segnet"
) -> Written:
    """Writes `train`, `val` and `test`, with `trainannot` and so on for SegNet's layout."""
    written: Written = {"train": {}, "val": {}, "test": {}}
    for number, (photo, ids) in enumerate(scenes(3 * count, size, 11, seed, void=11)):
        split, name = list(written)[number % 3], f"0001TP_{number:06}"
        if layout == "segnet":
            save(photo, folder / split / f"{name}.png")
            save(ids, folder / f"{split}annot" / f"{name}.png")
        else:
            save(photo, folder / split / "images" / f"{name}.jpg")
            save(ids, folder / split / "labels" / f"{name}.png")
        written[split][name] = ids
    return written
