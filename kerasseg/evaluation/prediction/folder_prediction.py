"""Predictions of many images into a directory: what is done is not done again."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.ahead import ahead
from kerasseg.evaluation.inference.predictor import Predictor
from kerasseg.evaluation.prediction.image_results import found_in, pixels_of, write_results
from kerasseg.evaluation.prediction.inputs import Input
from kerasseg.evaluation.prediction.outputs import Outputs
from kerasseg.evaluation.prediction.polygon_files import COCO_FILE, gather_coco
from kerasseg.evaluation.prediction.video_prediction import predict_video
from kerasseg.files import remove_partial

_READ_AHEAD = 2


@dataclass
class Outcome:
    """What became of the files: how many were written and left as they were, and what failed.

    Attributes:
        written: Images and whole videos.
        skipped: Images and videos that were done already.
        frames: Frames of videos that were predicted, those of videos that failed later too.
        failed: A message for each file that could not be predicted.
        of_videos: Whether there are videos among the files.
    """

    written: int = 0
    skipped: int = 0
    frames: int = 0
    failed: list[str] = field(default_factory=list)
    of_videos: bool = False


def predict_files(predictor: Predictor, inputs: Sequence[Input], outputs: Outputs) -> Outcome:
    """Predicts the images and videos that are not done yet; one that fails stops no other.

    While one is written the model sees the next, and those behind it are decoded. The videos come
    after the images.

    Args:
        predictor: The model under a protocol.
        inputs: What to predict.
        outputs: What to write.

    Raises:
        KerassegError: If the disk is full or the place must not be written to.
    """
    wanted = [each for each in inputs if not outputs.is_done(each)]
    of_videos = any(each.is_video for each in inputs)
    outcome = Outcome(skipped=len(inputs) - len(wanted), of_videos=of_videos)
    _predict_images(predictor, [each for each in wanted if not each.is_video], outputs, outcome)
    _predict_videos(predictor, [each for each in wanted if each.is_video], outputs, outcome)
    gather_polygons(outputs, outcome)
    return outcome


def gather_polygons(outputs: Outputs, outcome: Outcome) -> None:
    """Writes the one file of all polygons, if there is to be one and it is missing or too old.

    Args:
        outputs: What is written.
        outcome: What became of the files.
    """
    new = outcome.written or outcome.frames
    if outputs.polygons == "coco" and (new or not (outputs.directory / COCO_FILE).is_file()):
        gather_coco(outputs.directory, outputs.labels)


def _predict_images(
    predictor: Predictor, images: Sequence[Input], outputs: Outputs, outcome: Outcome
) -> None:
    from tqdm import tqdm

    for folder in {file.parent for image in images for file in outputs.files(image).values()}:
        remove_partial(folder)
    with ThreadPoolExecutor(2) as pool:
        found = (
            (
                image,
                pixels if isinstance(pixels, str) else found_in(predictor, image, pixels, outputs),
            )
            for image, pixels in _read_ahead(pool, images, outputs)
        )
        for image, result in tqdm(
            ahead(found), "predicting", len(images), unit="image", disable=None
        ):
            if isinstance(result, str):
                outcome.failed.append(result)
                continue
            write_results(image, result, outputs)
            outcome.written += 1


def _predict_videos(
    predictor: Predictor, videos: Sequence[Input], outputs: Outputs, outcome: Outcome
) -> None:
    def count_frame() -> None:
        outcome.frames += 1

    for video in videos:
        try:
            predict_video(predictor, video, outputs, count_frame)
            outcome.written += 1
        except KerassegError as error:
            if isinstance(error.__cause__, OSError):
                raise  # the disk, which the next video would find full too
            outcome.failed.append(str(error))


def _read_ahead(
    pool: ThreadPoolExecutor, images: Sequence[Input], outputs: Outputs
) -> Iterator[tuple[Input, np.ndarray | str | None]]:
    """Gives each image with what `pixels_of` returns."""
    read = [pool.submit(pixels_of, image, outputs) for image in images[:_READ_AHEAD]]
    for number, image in enumerate(images):
        if number + _READ_AHEAD < len(images):
            read.append(pool.submit(pixels_of, images[number + _READ_AHEAD], outputs))
        yield image, read.pop(0).result()
