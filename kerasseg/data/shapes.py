"""The generated data set: scenes written once to disk, then read like any other folder."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np

from kerasseg.data.folder import find_pairs, fingerprint
from kerasseg.data.listing import entries
from kerasseg.data.shapes_scene import CLASS_NAMES, VOID, draw_scene
from kerasseg.errors import KerassegError
from kerasseg.files import atomic_directory
from kerasseg.label_set import LabelSet

GENERATOR_VERSION = 4
"""Raised whenever the same seed gives other scenes."""

LABELS = LabelSet(
    CLASS_NAMES,
    (
        (70, 70, 80),
        (230, 80, 70),
        (70, 130, 230),
        (90, 190, 90),
        (240, 200, 60),
        (170, 90, 210),
        (60, 200, 200),
        (250, 150, 200),
    ),
    ignore_label=VOID,
)
"""The classes of the scenes, their colours and the void label."""

_SPLITS = ("train", "val")
_DEFAULTS = {"seed": 0, "train": 2400, "val": 150}
_DESCRIPTION = "dataset.json"


def ensure(
    directory: str | os.PathLike[str],
    *,
    seed: int | None = None,
    train: int | None = None,
    val: int | None = None,
    progress: bool | None = None,
) -> Path:
    """Returns the directory after writing the data set, or checking the one that is there.

    Args:
        directory: Where the data set lies or shall lie.
        seed: As for `write`. None, here and below: that of the data set that is there, or
            else the default of `write`.
        train: As for `write`.
        val: As for `write`.
        progress: As for `write`.

    Raises:
        KerassegError: If the directory holds something else: other files, scenes of another
            generator version, seed or number, or scenes that were changed.

    Example:
        >>> import tempfile
        >>> folder = ensure(Path(tempfile.mkdtemp()) / "shapes", train=2, val=1)
        >>> sorted(path.name for path in folder.iterdir())
        ['dataset.json', 'train', 'val']
    """
    path = Path(directory)
    wanted = {"seed": seed, "train": train, "val": val}
    given = {key: value for key, value in wanted.items() if value is not None}
    with suppress(OSError):  # It holds something, or is not there.
        path.rmdir()
    if not path.exists():
        with suppress(FileExistsError):  # Another process may have written it meanwhile.
            return _write(path, {**_DEFAULTS, **given}, progress)
    _check(path, given)
    return path


def write(
    directory: str | os.PathLike[str],
    *,
    seed: int = _DEFAULTS["seed"],
    train: int = _DEFAULTS["train"],
    val: int = _DEFAULTS["val"],
    progress: bool | None = None,
) -> Path:
    """Writes the data set as JPEG images and PNG label maps and returns its directory.

    Beside the splits stands `dataset.json`: the generator's version, the seed, how many scenes
    each split has and the `fingerprint` of each.

    Args:
        directory: A directory that does not exist yet.
        seed: Another one gives other scenes.
        train: Number of scenes for training.
        val: Number of scenes for validation.
        progress: Whether to show a progress bar on standard error; None: where that is a
            terminal.

    Raises:
        KerassegError: If the directory exists or a split would be empty.

    Example:
        >>> folder = write("shapes", train=2, val=1)
        >>> len(find_pairs(folder, "train")), len(find_pairs(folder, "val"))
        (2, 1)
    """
    if Path(directory).exists():
        raise KerassegError(f"{directory} exists already: remove it or give another directory.")
    return _write(Path(directory), {"seed": seed, "train": train, "val": val}, progress)


def _write(directory: Path, wanted: dict[str, int], progress: bool | None) -> Path:
    counts = {split: wanted[split] for split in _SPLITS}
    if min(counts.values()) < 1:
        raise KerassegError(f"{directory}: each split needs at least one scene; got {counts}.")
    with atomic_directory(directory) as temporary:
        _write_scenes(temporary, wanted["seed"], counts, progress)
        description = {
            "generator_version": GENERATOR_VERSION,
            **wanted,
            "fingerprint": _fingerprints(temporary),
        }
        (temporary / _DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
    return directory


def _write_scenes(
    directory: Path, seed: int, counts: dict[str, int], progress: bool | None
) -> None:
    from tqdm import tqdm

    for split in _SPLITS:
        for kind in ("images", "labels"):
            (directory / split / kind).mkdir(parents=True)
    jobs = [(split, number) for split in _SPLITS for number in range(counts[split])]
    disable = None if progress is None else not progress

    def write_scene(job: tuple[str, int]) -> None:
        _write_scene(directory / job[0], (seed, _SPLITS.index(job[0]), job[1]))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        scenes: Iterator[None] = pool.map(write_scene, jobs)
        for _ in tqdm(scenes, "drawing the scenes", len(jobs), disable=disable, leave=False):
            pass


def _write_scene(folder: Path, seed: tuple[int, int, int]) -> None:
    from PIL import Image

    image, label = draw_scene(np.random.default_rng(seed))
    name = f"{seed[-1]:05}"
    Image.fromarray(image).save(folder / "images" / f"{name}.jpg", quality=92)
    Image.fromarray(label).save(folder / "labels" / f"{name}.png")


def _fingerprints(directory: Path) -> dict[str, str]:
    return {split: fingerprint(find_pairs(directory, split)) for split in _SPLITS}


def _check(directory: Path, given: dict[str, int]) -> None:
    remedy = "remove it or give another directory."
    path = directory / _DESCRIPTION
    if not path.is_file():
        raise KerassegError(
            f"{directory} does not hold the shapes data set: expected {_DESCRIPTION}, train/ and "
            f"val/; found {entries(directory)}. Give the directory of that, or one that is new."
        )
    try:
        found = dict(json.loads(path.read_text()))
    except (ValueError, TypeError):
        raise KerassegError(f"{path} cannot be read: {remedy}") from None
    for key, value in {"generator_version": GENERATOR_VERSION, **given}.items():
        if found.get(key) != value:
            raise KerassegError(
                f"{directory} holds shapes of {key} {found.get(key)}, and {value} is asked for: "
                + remedy
            )
    if _fingerprints(directory) != found.get("fingerprint"):
        raise KerassegError(f"{directory}: files were changed since they were written: {remedy}")
