"""Predictions of a video, frame by frame; what is done of it is not done again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.ahead import ahead
from kerasseg.evaluation.inference.predictor import Predictor
from kerasseg.evaluation.prediction.image_results import Found, found_in, write_results
from kerasseg.evaluation.prediction.inputs import Input
from kerasseg.evaluation.prediction.outputs import Outputs
from kerasseg.evaluation.prediction.video_files import VideoReader, video_writer
from kerasseg.files import remove_partial


def predict_video(
    predictor: Predictor, video: Input, outputs: Outputs, on_frame: Callable[[], None]
) -> None:
    """Predicts the frames of a video that are not done yet.

    Two of them are in memory, and what FFmpeg keeps to decode and encode. Of a video that is
    damaged the frames up to there are written. One that was begun is decoded from its beginning,
    and the model sees the frames that are missing.

    Args:
        predictor: The model under a protocol.
        video: The file.
        outputs: What to write.
        on_frame: Is called after each frame that was predicted.

    Raises:
        KerassegError: If the video cannot be read to its end, a frame cannot be predicted, or
            nothing can be written.
    """
    for folder in {file.parent for file in outputs.files_of_video(video, 1)}:
        remove_partial(folder)
    count, problem = 0, None
    with ExitStack() as stack:
        reader = stack.enter_context(VideoReader(video.path))
        frames = ahead(_found_frames(predictor, reader, video, outputs))
        stack.callback(frames.close)  # before the reader, which its thread uses
        try:
            for frame in _with_bar(frames, video, reader.length):
                _write_frame(frame, outputs, on_frame)
                if outputs.overlays:
                    if count == 0:
                        add = stack.enter_context(video_writer(outputs.overlay_of_video(video)))
                    add(frame.seconds, _overlay(frame, outputs))
                count += 1
        except KerassegError as error:
            problem = error  # raised below, so that the overlays up to there are kept
    if problem is not None:
        raise problem
    outputs.say_video_is_done(video, count)


class _Frame(NamedTuple):
    """A frame and what is found in it, None if that is not needed any more; or a message."""

    image: Input
    seconds: float
    found: Found | str | None
    is_new: bool


def _found_frames(
    predictor: Predictor, reader: VideoReader, video: Input, outputs: Outputs
) -> Iterator[_Frame]:
    of_frames = outputs.of_frames()
    for number, frame in enumerate(reader.frames(), start=1):
        image = video.at_frame(number)
        is_new = not of_frames.is_done(image)
        found: Found | str | None = None
        if is_new:
            found = found_in(predictor, image, frame.pixels(), of_frames)
        elif outputs.overlays:
            found = Found(frame.pixels(), _stored_classes(of_frames.files(image)["masks"]))
        yield _Frame(image, frame.seconds, found, is_new)


def _stored_classes(file: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(file) as mask:
        return np.array(mask)


def _with_bar(frames: Iterator[_Frame], video: Input, length: int | None) -> Iterator[_Frame]:
    from tqdm import tqdm

    return iter(tqdm(frames, video.path.name, length, unit="frame", disable=None))


def _write_frame(frame: _Frame, outputs: Outputs, on_frame: Callable[[], None]) -> None:
    if isinstance(frame.found, str):
        raise KerassegError(f"{frame.found} (frame {frame.image.frame})")
    if frame.is_new:
        write_results(frame.image, frame.found, outputs.of_frames())
        on_frame()


def _overlay(frame: _Frame, outputs: Outputs) -> np.ndarray:
    from kerasseg.visualization import overlay

    assert isinstance(frame.found, Found)
    return overlay(frame.found.pixels, frame.found.classes, outputs.labels)
