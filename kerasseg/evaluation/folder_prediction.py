"""Predictions of many images into a directory: what is done is not done again."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from kerasseg.data import tiff
from kerasseg.data.image_file import read_image
from kerasseg.errors import KerassegError, first_line
from kerasseg.evaluation.ahead import ahead
from kerasseg.evaluation.inputs import Input
from kerasseg.evaluation.predictor import Predictor
from kerasseg.evaluation.windows import predict_raster
from kerasseg.files import atomic_file, remove_partial
from kerasseg.label_set import LabelSet

if TYPE_CHECKING:
    from PIL.Image import Image

DESCRIPTION = "prediction.json"
_READ_AHEAD = 2


@dataclass(frozen=True)
class Outputs:
    """What is written for each image, below `directory`.

    `masks/<name>.png` always: class ids with the palette, 16 bits and without it for more than
    256 classes. Where the image is read by windows, `masks/<name>.tif`.

    Args:
        directory: The output directory.
        labels: The classes and their colours.
        overlays: Whether `overlays/<name>.png` shows the colours over the image.
        probabilities: Whether `probabilities/<name>.npy` holds float32 `(H, W, C)`.
        by_windows: Whether TIFF is read and written by windows, which leaves out the others.
    """

    directory: Path
    labels: LabelSet
    overlays: bool = False
    probabilities: bool = False
    by_windows: bool = False

    def windowed(self, image: Input) -> bool:
        """Whether this image is read by windows."""
        return self.by_windows and tiff.is_tiff(image.path)

    def files(self, image: Input) -> dict[str, Path]:
        """Returns the files of an image by their kind."""
        if self.windowed(image):
            return {"masks": self._file("masks", image, ".tif")}
        files = {"masks": self._file("masks", image, ".png")}
        if self.overlays:
            files["overlays"] = self._file("overlays", image, ".png")
        if self.probabilities:
            files["probabilities"] = self._file("probabilities", image, ".npy")
        return files

    def _file(self, kind: str, image: Input, suffix: str) -> Path:
        return self.directory / kind / f"{image.name}{suffix}"

    def is_done(self, image: Input) -> bool:
        """Whether every file of the image is there and newer than image and description."""
        try:
            of_all = (self.directory / DESCRIPTION).stat().st_mtime_ns
            changed = max(image.path.stat().st_mtime_ns, of_all)
            files = self.files(image).values()
            return all(file.stat().st_mtime_ns >= changed for file in files)
        except OSError:
            return False


@dataclass
class Outcome:
    """What became of the images: how many were written and left as they were, and what failed."""

    written: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)


def claim_directory(directory: Path, description: dict[str, Any], overwrite: bool) -> None:
    """Makes a directory that of predictions by one model and protocol, in `prediction.json`.

    Args:
        directory: It may be missing, empty, or hold predictions of the same description.
        description: What the predictions depend on beside their image.
        overwrite: Whether the predictions that are there, of whatever description, are to be
            replaced one by one: they are older than the file that is then written.

    Raises:
        KerassegError: If it holds anything else.
    """
    file, text = directory / DESCRIPTION, json.dumps(description, indent=2) + "\n"
    if directory.exists() and not directory.is_dir():
        raise KerassegError(f"--out {directory} is a file; give a directory.")
    if file.is_file() and not overwrite:
        if file.read_text("utf-8") == text:
            return
        raise KerassegError(
            f"{directory} holds predictions of another model or protocol. Give another --out, or "
            "say --overwrite."
        )
    if not file.is_file() and _is_in_use(directory):
        raise KerassegError(
            f"--out {directory} is not empty and holds no predictions. Give a new directory."
        )
    with atomic_file(file) as temporary:
        temporary.write_text(text, "utf-8")


def _is_in_use(directory: Path) -> bool:
    return directory.exists() and any(not p.name.startswith(".") for p in directory.iterdir())


def predict_files(predictor: Predictor, images: Sequence[Input], outputs: Outputs) -> Outcome:
    """Predicts the images that are not done yet; one that fails does not stop the others.

    While one is written the model sees the next, and those behind it are decoded.

    Args:
        predictor: The model under a protocol.
        images: What to predict.
        outputs: What to write.

    Raises:
        KerassegError: If the disk is full or the place must not be written to.
    """
    from tqdm import tqdm

    for folder in {file.parent for image in images for file in outputs.files(image).values()}:
        remove_partial(folder)
    wanted = [image for image in images if not outputs.is_done(image)]
    outcome = Outcome(skipped=len(images) - len(wanted))
    with ThreadPoolExecutor(2) as pool:
        found = (
            (
                image,
                pixels if isinstance(pixels, str) else _found(predictor, image, pixels, outputs),
            )
            for image, pixels in _read_ahead(pool, wanted, outputs)
        )
        for image, result in tqdm(
            ahead(found), "predicting", len(wanted), unit="image", disable=None
        ):
            if isinstance(result, str):
                outcome.failed.append(result)
                continue
            _write_results(image, result, outputs)
            outcome.written += 1
    return outcome


def predict_file(predictor: Predictor, image: Input, outputs: Outputs) -> str | None:
    """Predicts one image and writes what is wanted of it.

    Args:
        predictor: The model under a protocol.
        image: What to predict.
        outputs: What to write.

    Returns:
        Why the image could not be predicted; None if it was.

    Raises:
        KerassegError: If the disk is full or the place must not be written to.
    """
    try:
        pixels = None if outputs.windowed(image) else read_image(image.path)
    except KerassegError as error:
        return str(error)
    found = _found(predictor, image, pixels, outputs)
    if isinstance(found, str):
        return found
    _write_results(image, found, outputs)
    return None


def _read_ahead(
    pool: ThreadPoolExecutor, images: Sequence[Input], outputs: Outputs
) -> Iterator[tuple[Input, np.ndarray | str | None]]:
    """Gives each image with its pixels, why there are none, or None if it is read by windows."""

    def pixels(image: Input) -> np.ndarray | str | None:
        if outputs.windowed(image):
            return None
        try:
            return read_image(image.path)
        except KerassegError as error:
            return str(error)

    ahead = [pool.submit(pixels, image) for image in images[:_READ_AHEAD]]
    for number, image in enumerate(images):
        if number + _READ_AHEAD < len(images):
            ahead.append(pool.submit(pixels, images[number + _READ_AHEAD]))
        yield image, ahead.pop(0).result()


class _Found(NamedTuple):
    """An image, its classes, and its probabilities if they are to be written."""

    pixels: np.ndarray
    classes: np.ndarray
    probabilities: np.ndarray | None = None


def _found(
    predictor: Predictor, image: Input, pixels: np.ndarray | None, outputs: Outputs
) -> _Found | str | None:
    """Returns what is found in an image, what went wrong, or None if its result is written."""
    try:
        if pixels is None:
            target = outputs.files(image)["masks"]
            predict_raster(predictor, image.path, target, outputs.labels)
            return None
        if not outputs.probabilities:
            classes = predictor.classes(pixels[np.newaxis])[0]
            return _Found(pixels, classes.astype(predictor.class_dtype))
        probabilities = predictor.probabilities(pixels[np.newaxis])[0]
        return _Found(pixels, predictor.largest(probabilities), probabilities)
    except (tf.errors.ResourceExhaustedError, MemoryError):
        return f"{image.path} takes more memory than there is: say --tile 512."
    except tf.errors.OpError as error:
        return f"{image.path} cannot be predicted: {first_line(error)[:200]}"
    except KerassegError as error:
        if isinstance(error.__cause__, OSError):
            raise  # the disk, which the next image would find full too
        return str(error)


def _write_results(image: Input, found: _Found | None, outputs: Outputs) -> None:
    from kerasseg.visualization import overlay

    if found is None:
        return
    files = outputs.files(image)
    if found.probabilities is not None:
        _write(files["probabilities"], found.probabilities)
    if outputs.overlays:
        _write(files["overlays"], overlay(found.pixels, found.classes, outputs.labels))
    # The mask comes last: what is there is whole, with all that belongs to it.
    _write(files["masks"], indexed_mask(found.classes, outputs.labels))


def indexed_mask(classes: np.ndarray, labels: LabelSet) -> "Image":
    """Returns a label map as a picture that holds class ids and shows their colours.

    Of more than 256 classes it has 16 bits and no colours.

    Args:
        classes: `(H, W)`.
        labels: The classes and their colours.

    Example:
        >>> mask = indexed_mask(np.array([[0, 1]]), LabelSet(("soil", "leaf")))
        >>> np.asarray(mask).tolist(), mask.mode, mask.getpalette()[3:6]
        ([[0, 1]], 'P', [0, 128, 0])
    """
    from PIL import Image

    if labels.num_classes > 256:
        return Image.fromarray(classes.astype(np.uint16))
    mask = Image.fromarray(classes.astype(np.uint8))
    mask.putpalette([value for colour in labels.colours for value in colour])
    return mask


def _write(file: Path, result: "np.ndarray | Image") -> None:
    from PIL import Image

    with atomic_file(file) as temporary:
        if file.suffix == ".npy":
            with temporary.open("wb") as stream:
                np.save(stream, np.asarray(result))
            return
        picture = Image.fromarray(result) if isinstance(result, np.ndarray) else result
        picture.save(temporary)
