"""An output directory of predictions: what is written where, and by which model."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kerasseg.command_line import counted
from kerasseg.data import tiff
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.evaluation.prediction.inputs import Input
from kerasseg.evaluation.prediction.polygon_files import POLYGON_SUFFIXES
from kerasseg.files import atomic_file, naming
from kerasseg.label_set import LabelSet

DESCRIPTION = "prediction.json"


@dataclass(frozen=True)
class Outputs:
    """What is written for each image, below `directory`.

    `masks/<name>.png` always: class ids with the palette, 16 bits and without it for more than
    256 classes. Where the image is read by windows, `masks/<name>.tif`. Of a video these are
    `masks/<name>/<frame>.png`, and so on, the first frame being 000001.

    Args:
        directory: The output directory.
        labels: The classes and their colours.
        overlays: Whether `overlays/<name>.png` shows the colours over the image.
        probabilities: Whether `probabilities/<name>.npy` holds float32 `(H, W, C)`.
        by_windows: Whether TIFF is read and written by windows, which leaves out overlays and
            probabilities.
        polygons: `"coco"` for `polygons/<name>.json`, and `coco.json` of all; `"geojson"` for
            `polygons/<name>.geojson`; empty for neither.

    Raises:
        KerassegError: If there are no such polygons.
    """

    directory: Path
    labels: LabelSet
    overlays: bool = False
    probabilities: bool = False
    by_windows: bool = False
    polygons: str = ""

    def __post_init__(self) -> None:
        if self.polygons not in ("", *POLYGON_SUFFIXES):
            raise unknown_name("kind of polygons", self.polygons, POLYGON_SUFFIXES)

    def of_frames(self) -> "Outputs":
        """Returns what is written for each frame of a video: its overlays are a video too."""
        return replace(self, overlays=False, by_windows=False)

    def windowed(self, image: Input) -> bool:
        """Whether this image is read by windows."""
        return self.by_windows and tiff.is_tiff(image.path)

    def check_windows(self, paths: Sequence[str | Path]) -> None:
        """Says how many of the files are read whole though windows are asked for.

        Args:
            paths: What is to be predicted.

        Raises:
            KerassegError: If all of them are.
        """
        whole = sum(not tiff.is_tiff(Path(path)) for path in paths) if self.by_windows else 0
        if whole and whole == len(paths):
            raise KerassegError(
                f"--by-windows reads {' and '.join(tiff.SUFFIXES)}, and there is none among "
                f"{counted(whole, 'file')}: leave it out, or convert images, as by gdal_translate."
            )
        if whole:
            there = counted(whole, "file is no TIFF and is", "files are no TIFF and are")
            print(f"{there} read whole", file=sys.stderr)

    def files(self, image: Input) -> dict[str, Path]:
        """Returns the files of an image by their kind."""
        windowed = self.windowed(image)
        files = {"masks": self._file("masks", image, ".tif" if windowed else ".png")}
        if self.polygons:
            files["polygons"] = self._file("polygons", image, POLYGON_SUFFIXES[self.polygons])
        if self.overlays and not windowed:
            files["overlays"] = self._file("overlays", image, ".png")
        if self.probabilities and not windowed:
            files["probabilities"] = self._file("probabilities", image, ".npy")
        return files

    def _file(self, kind: str, image: Input, suffix: str) -> Path:
        return self.directory / kind / f"{image.name}{suffix}"

    def overlay_of_video(self, video: Input) -> Path:
        """Returns the file of the overlays of a video."""
        return self._file("overlays", video, ".mp4")

    def files_of_video(self, video: Input, count: int) -> Iterator[Path]:
        """Gives the files of a video of so many frames, that which says so first."""
        yield self._frames_file(video)
        if self.overlays:
            yield self.overlay_of_video(video)
        for number in range(1, count + 1):
            yield from self.of_frames().files(video.at_frame(number)).values()

    def _frames_file(self, video: Input) -> Path:
        return self.directory / "masks" / video.name / "frames.json"

    def say_video_is_done(self, video: Input, count: int) -> None:
        """Notes how many frames a video has, and deletes those of a longer one before it."""
        for first in self.of_frames().files(video.at_frame(1)).values():
            for file in first.parent.glob(f"*{first.suffix}"):
                if file.stem.isdigit() and int(file.stem) > count:
                    file.unlink()
        with atomic_file(self._frames_file(video)) as temporary:
            temporary.write_text(json.dumps({"frames": count}) + "\n", "utf-8")

    def is_done(self, image: Input) -> bool:
        """Whether every file of an image or video is there and newer than it and the description.

        It is not where a file that says how many frames there are cannot be read.
        """
        try:
            if not image.is_video:
                return self._are_newer(image, self.files(image).values())
            count = json.loads(self._frames_file(image).read_text("utf-8"))["frames"]
            return self._are_newer(image, self.files_of_video(image, count))
        except (OSError, ValueError):
            return False

    def _are_newer(self, image: Input, files: Iterable[Path]) -> bool:
        of_all = (self.directory / DESCRIPTION).stat().st_mtime_ns
        changed = max(image.path.stat().st_mtime_ns, of_all)
        return all(file.stat().st_mtime_ns >= changed for file in files)


def claim_directory(directory: Path, description: dict[str, Any], overwrite: bool) -> None:
    """Makes a directory that of predictions by one model and protocol, in `prediction.json`.

    Args:
        directory: It may be missing, empty, or hold predictions of the same description.
        description: What the predictions depend on beside their image.
        overwrite: Whether the predictions that are there, of whatever description, are to be
            replaced one by one: they are older than the file that is then written.

    Raises:
        KerassegError: If it holds anything else, or cannot be.
    """
    file = directory / DESCRIPTION
    with naming(file):
        if directory.exists() and not directory.is_dir():
            raise KerassegError(f"--out {directory} is a file; give a directory.")
        there = file.read_text("utf-8", "replace") if file.is_file() else None
        text = claim(str(directory), description, overwrite, there, _is_in_use(directory))
        if text is not None:
            with atomic_file(file) as temporary:
                temporary.write_text(text, "utf-8")


def claim(
    place: str, description: dict[str, Any], overwrite: bool, there: str | None, in_use: bool
) -> str | None:
    """Returns what `prediction.json` is to hold; None if it holds that already.

    Args:
        place: What messages call the directory.
        description: As for `claim_directory`.
        overwrite: As for `claim_directory`.
        there: What the file holds; None if there is none.
        in_use: Whether the directory holds anything.

    Raises:
        KerassegError: If it holds anything else than predictions of the description.
    """
    text = json.dumps(description, indent=2) + "\n"
    if there == text and not overwrite:
        return None
    if there is not None and not overwrite:
        raise KerassegError(
            f"{place} holds predictions of another model or protocol. Give another --out, or say "
            "--overwrite."
        )
    if there is None and in_use:
        raise KerassegError(
            f"--out {place} is not empty and holds no predictions. Give a new directory."
        )
    return text


def _is_in_use(directory: Path) -> bool:
    return directory.exists() and any(not p.name.startswith(".") for p in directory.iterdir())
