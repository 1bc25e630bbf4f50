"""A folder data set: an image and a label map of the same name, each split a folder."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from kerasseg.data import tiff
from kerasseg.data.faults import Fault, refuse
from kerasseg.data.label_encoding import CLASS_IDS, LabelEncoding
from kerasseg.data.listing import entries
from kerasseg.data.pair import Pair
from kerasseg.errors import KerassegError

# What TensorFlow decodes; TIFF is accepted beside it and converted.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
LABEL_SUFFIX = ".png"


def find_pairs(
    data_dir: str | os.PathLike[str], split: str, encoding: LabelEncoding = CLASS_IDS
) -> list[Pair]:
    """Returns the pairs of a split of a folder data set, sorted by name.

    The layout is `DATA_DIR/<split>/images/<name>.jpg` (or jpeg, png, bmp, webp, tif, tiff) and
    `DATA_DIR/<split>/labels/<name>.png` (or tif, tiff). Hidden files are passed over. TIFF files
    are converted to PNG once, below `KERASSEG_HOME` (`~/.cache/kerasseg` by default).

    Args:
        data_dir: The directory of the data set.
        split: The folder in it: `"train"`, `"val"`.
        encoding: How the label maps store the classes: their ids, by default.

    Raises:
        KerassegError: If the directory or the split is missing or empty, a file is of a format
            that cannot be read, two images have one name, or an image has no label or the
            reverse.

    Example:
        >>> from kerasseg.data import shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "train")
        >>> pairs[0].label.as_posix()
        'shapes/train/labels/00000.png'
    """
    folder = _split_folder(Path(data_dir), split)
    images = _by_name(folder / "images", (*IMAGE_SUFFIXES, *tiff.SUFFIXES), "an image")
    labels = _by_name(folder / "labels", (LABEL_SUFFIX, *tiff.SUFFIXES), "a label map")
    refuse_alone(images, labels, "label map", folder / "labels")
    refuse_alone(labels, images, "image", folder / "images")
    if not images:
        raise KerassegError(f"{folder} is empty: put images into images/ and labels into labels/.")
    names = sorted(images.keys() & labels.keys())
    pairs = [Pair(images[name], labels[name], encoding) for name in names]
    return tiff.without_tiff(pairs)


def fingerprint(pairs: Sequence[Pair]) -> str:
    """Returns the SHA-256 (hexadecimal) of the names and contents of a split's files.

    It depends neither on the directory nor on the machine, nor on the order of the pairs.

    Args:
        pairs: Image and label files.

    Raises:
        OSError: If a file cannot be read.

    Example:
        >>> from kerasseg.data import shapes
        >>> pairs = find_pairs(shapes.ensure("shapes", train=2, val=1), "train")
        >>> fingerprint(pairs) == fingerprint(pairs[::-1]), fingerprint(pairs) == fingerprint([])
        (True, False)
    """
    with ThreadPoolExecutor() as pool:
        digests = list(pool.map(_digest, sorted(pairs, key=lambda pair: pair.name)))
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _digest(pair: Pair) -> str:
    lines = []
    for path in (pair.image, pair.label):
        lines.append(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    return "".join(lines)


def _split_folder(data_dir: Path, split: str) -> Path:
    if not data_dir.is_dir():
        raise KerassegError(f"no such data directory: {data_dir}. Give the folder of the splits.")
    folder = data_dir / split
    if not folder.is_dir():
        there = sorted(path.parent.name for path in data_dir.glob("*/images") if path.is_dir())
        found = f"it has {', '.join(there)}" if there else "no folder in it holds images/"
        raise KerassegError(
            f"{data_dir} has no split {split!r}: {found}. Expected {split}/images and "
            f"{split}/labels; found {entries(data_dir)}."
        )
    for name in ("images", "labels"):
        if not (folder / name).is_dir():
            raise KerassegError(
                f"{folder} has no folder {name}/; it needs images/ and labels/; found "
                f"{entries(folder)}."
            )
    return folder


def _by_name(folder: Path, suffixes: Sequence[str], what: str) -> dict[str, Path]:
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    for path in files:
        if path.suffix.lower() not in suffixes or not path.is_file():
            accepted = ", ".join(suffix[1:] for suffix in suffixes)
            raise KerassegError(
                f"{path} cannot be read as {what}: accepted is {accepted}. Convert or remove it."
            )
    repeated = [name for name, count in Counter(path.stem for path in files).items() if count > 1]
    if repeated:
        twins = " and ".join(path.name for path in files if path.stem == repeated[0])
        raise KerassegError(f"{folder} holds {twins}: names must differ before the suffix.")
    return {path.stem: path for path in files}


def refuse_alone(
    files: dict[str, Path],
    partners: dict[str, Path],
    kind: Literal["image", "label map"],
    folder: Path,
) -> None:
    """Refuses files without a partner of the same name, which would be in `folder`.

    Args:
        files: By name.
        partners: By name.
        kind: What a partner is.
        folder: Where partners are looked for.

    Raises:
        KerassegError: Names the first file that is alone, and how many more are.
    """
    alone = [path for name, path in sorted(files.items()) if name not in partners]
    if alone:
        more = f" (and {len(alone) - 1} more)" if len(alone) > 1 else ""
        fault = "image-without-label" if kind == "label map" else "label-without-image"
        refuse(
            f"{alone[0]}{more} has no {kind} in {folder}: add one of the same name, or remove "
            "the file.",
            [Fault(fault, path) for path in alone],
        )
