"""Video files, a frame at a time: `kerasseg[video]`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from kerasseg.errors import KerassegError, first_line
from kerasseg.files import atomic_file

# The encoder of what most players show; it takes sides that are even.
_ENCODER, _PIXEL_FORMAT, _QUALITY = "libx264", "yuv420p", {"crf": "20"}
_CLOCK = Fraction(1, 90_000)  # seconds, MPEG's own: the times of any other fit
_MISSING = 0.5  # seconds that a container may name more than it holds


class Frame(NamedTuple):
    """A frame that is decoded and not converted yet.

    Attributes:
        seconds: When it is shown, counted from the first.
        picture: As PyAV has it.
    """

    seconds: float
    picture: Any

    def pixels(self) -> np.ndarray:
        """Returns its pixels, upright, uint8 `(H, W, 3)`."""
        rgb = self.picture.to_ndarray(format="rgb24")
        return np.ascontiguousarray(np.rot90(rgb, self.picture.rotation // 90))


class VideoReader:
    """The frames of the best video stream of a file, one after the other.

    Args:
        path: Whatever FFmpeg decodes.

    Raises:
        KerassegError: If PyAV is missing, or the file cannot be read or has no pictures.

    Example:
        >>> with video_writer("clip.mp4") as add:
        ...     for number in range(3):
        ...         add(number / 25, np.full((32, 48, 3), 100 * number, "uint8"))
        >>> with VideoReader("clip.mp4") as video:
        ...     [(frame.seconds, frame.pixels().shape) for frame in video.frames()]
        [(0.0, (32, 48, 3)), (0.04, (32, 48, 3)), (0.08, (32, 48, 3))]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        av = video_library()
        self.path = path
        try:
            self._file = av.open(os.fspath(path))
        except OSError as error:
            raise KerassegError(f"{path} cannot be read: {error.strerror or error}.") from None
        except av.error.FFmpegError:
            raise KerassegError(f"{path} is corrupt, cut short or no video.") from None
        self._stream: Any = self._file.streams.best("video")
        if self._stream is None:
            self._file.close()
            raise KerassegError(f"{path} holds no pictures; a video is meant.")
        self._stream.thread_type = "AUTO"
        self._is_damaged = False

    @property
    def length(self) -> int | None:
        """How many frames the file says that it has."""
        return self._stream.frames or None

    def frames(self) -> Iterator[Frame]:
        """Gives the frames in the order in which they are shown.

        Raises:
            KerassegError: After the frames before it, where the file is damaged or cut short.
        """
        number, start, end = 0, 0.0, 0.0
        rate, time_base = float(self._stream.average_rate or 25), self._stream.time_base
        for picture in self._pictures():
            # The stream's: pictures that were held back do not know their time base.
            time = number / rate if picture.pts is None else float(picture.pts * time_base)
            start = time if number == 0 else start
            number += 1
            end = time - start + (float(picture.duration * time_base) or 1 / rate)
            yield Frame(time - start, picture)
        if self._is_damaged or not number or self._seconds - end > _MISSING:
            raise KerassegError(
                f"{self.path} is damaged or cut short after {number} frames; what was found in "
                "them is kept."
            )

    def _pictures(self) -> Iterator[Any]:
        """Gives what is decoded up to where the file is damaged."""
        av = video_library()
        try:
            for packet in self._file.demux(self._stream):
                if packet.is_corrupt:
                    self._is_damaged = True
                    break
                yield from packet.decode()
        except av.error.FFmpegError:
            self._is_damaged = True
        if self._is_damaged:
            # The decoder holds pictures back until it has those that are shown before them.
            with suppress(av.error.FFmpegError):
                yield from self._stream.codec_context.decode(None)

    @property
    def _seconds(self) -> float:
        """How long the pictures go on, as far as the file says so; sound may go on longer."""
        if self._stream.duration:
            return float(self._stream.duration * self._stream.time_base)
        alone = len(self._file.streams) == 1
        return (self._file.duration or 0) / 1e6 if alone else 0.0

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()


class _Writer:
    """Encodes frames into a file that is open."""

    def __init__(self, file: Any) -> None:
        self._file, self._last = file, -1
        self._stream: Any = None

    def __call__(self, seconds: float, pixels: np.ndarray) -> None:
        av, (height, width) = video_library(), pixels.shape[:2]
        if self._stream is None:
            self._stream = stream = self._file.add_stream(_ENCODER, options=_QUALITY)
            stream.width, stream.height = width + width % 2, height + height % 2
            stream.pix_fmt = _PIXEL_FORMAT
            stream.codec_context.time_base = _CLOCK
        even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        frame = av.VideoFrame.from_ndarray(even, format="rgb24")
        self._last = max(round(seconds / _CLOCK), self._last + 1)
        frame.pts, frame.time_base = self._last, _CLOCK
        self._file.mux(self._stream.encode(frame))

    def finish(self) -> None:
        if self._stream is not None:
            self._file.mux(self._stream.encode(None))


@contextmanager
def video_writer(path: str | os.PathLike[str]) -> Iterator[_Writer]:
    """Gives a function of seconds and pixels that adds a frame to an MP4 file of H.264.

    The file is there as a whole or not at all. A last row or column is repeated where a side is
    odd.

    Args:
        path: Where, `.mp4`.

    Raises:
        KerassegError: If PyAV is missing, has no encoder of H.264, or the place cannot be written
            to.

    Example:
        >>> with video_writer("short.mp4") as add:
        ...     add(0.0, np.zeros((33, 47, 3), "uint8"))
        >>> with VideoReader("short.mp4") as video:
        ...     next(video.frames()).pixels().shape
        (34, 48, 3)
    """
    av = video_library()
    if _ENCODER not in av.codecs_available:
        raise KerassegError(
            f"this installation of av has no {_ENCODER}, which writes overlays of videos: install "
            "its wheel, or leave out --overlays."
        )
    with atomic_file(path) as temporary:
        try:
            with av.open(os.fspath(temporary), "w", format="mp4") as file:
                writer = _Writer(file)
                yield writer
                writer.finish()
        except av.error.FFmpegError as error:
            if isinstance(error, OSError):
                raise
            raise KerassegError(f"{path} cannot be written: {first_line(error)}.") from error


def video_library() -> Any:
    """Returns PyAV.

    Raises:
        KerassegError: If it is not installed.
    """
    try:
        import av
    except ImportError:
        raise KerassegError('videos need the package av: pip install "kerasseg[video]".') from None
    return av
