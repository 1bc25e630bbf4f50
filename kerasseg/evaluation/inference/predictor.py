"""The one engine: a model under a protocol, compiled once for images of all sizes."""

import sys
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from itertools import groupby
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.ahead import ahead
from kerasseg.evaluation.inference.dense_crf import DenseCRF, crf_library
from kerasseg.evaluation.inference.protocol import Protocol, protocol_of
from kerasseg.evaluation.inference.replicas import Parts, model_on, on_replicas, replicas_of
from kerasseg.evaluation.inference.tiles import Span, Values, blended
from kerasseg.evaluation.inference.views import Views, check_input
from kerasseg.evaluation.inference.windows import ArrayReader, Reader, Window
from kerasseg.layers import CodebookGeneration
from kerasseg.workers import distribution

_MOST_8_BIT_CLASSES = 256


class Predictor:
    """A model under a protocol, compiled once for images of all sizes.

    The report at the end of a training, `kerasseg.evaluate`, `kerasseg.predict` and the programs
    all predict by it. After an epoch it is Keras' own `fit` that predicts whole images and counts
    them by `MeanIoU`; that both come to the same score is tested in
    `tests/training/test_run_directory.py`.

    Args:
        model: Pixels `(N, H, W, channels)` of 0..255 to logits or probabilities `(N, H, W, C)`;
            its last layer is named after which, `"logits"` or `"probabilities"`.
        protocol: A name that `protocol_of` knows, or a `Protocol`.
        devices: Names such as `"GPU:0"`, to which the images of a batch, or the tiles of an image,
            are dealt out, several with copies of the weights as they are now; empty for
            TensorFlow's own choice of one.

    Raises:
        KerassegError: If the model, the protocol or a device cannot be used.

    Example:
        >>> import kerasseg
        >>> model = kerasseg.RefineNet("mobilenetv2", 5, filters=8, backbone_weights=None)
        >>> predictor = Predictor(model, Protocol(scales=(0.5, 1.0), flip=True))
        >>> images = np.zeros((2, 40, 56, 3), "uint8")
        >>> predictor.classes(images).shape, predictor.probabilities(images).shape
        ((2, 40, 56), (2, 40, 56, 5))
    """

    def __init__(
        self,
        model: keras.Model,
        protocol: str | Protocol = "whole",
        devices: Sequence[str] = (),
    ) -> None:
        self.protocol = protocol_of(protocol)
        if self.protocol.crf:
            crf_library()  # that it is missing is said before anything is computed
        self.strategy = distribution.strategy(devices) if devices else None
        self.views = Views(model_on(self.strategy, model), self.protocol)
        self.image_shape: tuple[int | None, ...] = model.input_shape[1:]
        self._of_batches: dict[tuple[Any, ...], Callable[..., Parts]] = {}
        self._told_of: set[int] = set()
        self._tell_what_tiles_hide()

    def under(self, protocol: Protocol) -> "Predictor":
        """Returns a predictor of the same views by other tiles or refinement, compiled together.

        Raises:
            KerassegError: As for a new one.
        """
        check_input(self.views.model, protocol)
        if protocol.crf:
            crf_library()
        other = copy(self)
        other.protocol = protocol
        other._tell_what_tiles_hide()
        return other

    def _tell_what_tiles_hide(self) -> None:
        tile = self.protocol.tile
        if not tile or tile in self._told_of or not _sees_everything(self.views.model):
            return
        self._told_of.add(tile)
        print(
            f"{self.views.model.name}: the codewords of EfficientFCN are made of all that it sees; "
            f"in tiles of {tile} pixels that is the tile alone, and no overlap makes up for it. "
            "Compare with whole images: kerasseg.evaluation.tile_differences.",
            file=sys.stderr,
        )

    @property
    def replicas(self) -> int:
        """How many devices share a batch."""
        return replicas_of(self.strategy)

    @property
    def num_classes(self) -> int:
        """C; 2 for a model with one channel, which gives the probability of class 1."""
        return max(self.views.channels, 2)

    @property
    def class_dtype(self) -> np.dtype:
        """The smallest dtype that holds every class: uint8 or uint16."""
        return np.dtype(np.uint8 if self.num_classes <= _MOST_8_BIT_CLASSES else np.uint16)

    def classes(self, images: npt.ArrayLike) -> np.ndarray:
        """Returns the class of every pixel, int32 `(N, H, W)`.

        Args:
            images: `(N, H, W, channels)`, 0..255, of one size.

        Raises:
            KerassegError: If they are of another shape, or have values outside 0..255.
        """
        pixels = self._checked(images)
        if self.protocol.crf:
            return self.largest(self.probabilities(pixels)).astype(np.int32)
        if not self.protocol.tile:
            return self._padded(self.views.classes, pixels)
        found = np.empty(pixels.shape[:3], np.int32)
        for image, classes in zip(pixels, found, strict=True):
            for rows, band in self.bands(ArrayReader(image)):
                classes[rows] = band
        return found

    def probabilities(self, images: npt.ArrayLike) -> np.ndarray:
        """Returns the probability of each class at every pixel, float32 `(N, H, W, C)`.

        They are those that the classes are chosen by: refined, where the protocol has a dense CRF.

        Args:
            images: As for `classes`.

        Raises:
            KerassegError: As `classes` does.
        """
        pixels = self._checked(images)
        found = self._averaged(pixels)
        if self.protocol.crf:
            for image, maps in zip(pixels, found, strict=True):
                maps[...] = _refined(self.protocol.crf, image, maps)
        return found

    def _averaged(self, pixels: np.ndarray) -> np.ndarray:
        if not self.protocol.tile:
            return self._padded(self.views.probabilities, pixels)
        found = np.empty((*pixels.shape[:3], self.views.channels), np.float32)
        for image, maps in zip(pixels, found, strict=True):
            tiles = self._tiles(ArrayReader(image))
            for row, column, values in blended(image.shape[:2], self.protocol, tiles):
                maps[row : row + len(values), column : column + values.shape[1]] = values
        return found

    def bands(self, image: Reader) -> Iterator[tuple[slice, np.ndarray]]:
        """Gives the classes of an image of any size, a row of tiles at a time, from top to bottom.

        Beside what the model takes for a tile there are in memory, where an image has W columns
        and a protocol tiles of side T that go over within R = overlap - 2 * margin pixels, at most
        `4 * C * (R * W + 4 * T * T)` bytes of probabilities, and the pixels of two rows of tiles
        and the classes of one twice, `2 * T * W * (channels + 1)` items. With 21 classes, 10,000
        columns, T = 1024 and R = 256 that is 0.7 GB. Of several devices it is at most that times
        their number. The next tile is seen by the model while the one before is blended.

        Args:
            image: What is read by windows; see `kerasseg.evaluation.inference.windows`.

        Yields:
            Which rows, and their classes, `class_dtype`, `(h, W)`.

        Raises:
            KerassegError: If the protocol has no tiles, or the image cannot be used.
        """
        if not self.protocol.tile:
            raise KerassegError("an image is read by windows where the protocol has tiles.")
        if self.protocol.crf:
            raise KerassegError(
                "a dense CRF sees the whole image, and by windows it is never in memory: leave out "
                "one of the two."
            )
        height, width = image.shape[:2]
        blocks = blended((height, width), self.protocol, self._tiles(image))
        for row, group in groupby(blocks, key=lambda block: block.row):
            parts = [self.largest(block.values) for block in group]
            band = np.concatenate(parts, axis=1)
            yield slice(row, row + len(band)), band

    def largest(self, probabilities: np.ndarray) -> np.ndarray:
        """Returns the class of every pixel, `class_dtype`, of probabilities `(..., C)`."""
        if self.views.channels == 1:
            return (probabilities[..., 0] > 0.5).astype(self.class_dtype)
        return probabilities.argmax(axis=-1).astype(self.class_dtype)

    def batch_function(self, images: tf.TensorSpec) -> Callable[[tf.Tensor], npt.ArrayLike]:
        """Returns the function of batches to classes, int32 `(N, H, W)`, compiled once.

        Args:
            images: What a batch is; of one size where all are, which a graph can make use of. Each
                has a multiple of `replicas` images.
        """
        if self.protocol.tile or self.protocol.crf:
            return lambda batch: self.classes(batch.numpy())
        parts = self.compiled(self.views.classes, images)
        return lambda batch: parts(batch)[0]

    def compiled(
        self, function: Callable[[tf.Tensor], tf.Tensor | Parts], images: tf.TensorSpec
    ) -> Callable[..., Parts]:
        """Returns a method of `views`, of a batch to one tensor or several, compiled once.

        Args:
            function: The method.
            images: As for `batch_function`.
        """
        key = function, tuple(images.shape[1:]), images.dtype

        def parts(batch: tf.Tensor) -> Parts:
            found = function(batch)
            return found if isinstance(found, tuple) else (found,)

        if key not in self._of_batches:
            spec = tf.TensorSpec([None, *images.shape[1:]], images.dtype)
            self._of_batches[key] = on_replicas(self.strategy, parts, [spec])
        return self._of_batches[key]

    def _padded(self, function: Callable[[tf.Tensor], tf.Tensor], images: np.ndarray) -> np.ndarray:
        """Calls a function of a batch that no replica may have an empty part of."""
        missing = -len(images) % self.replicas
        if missing:
            images = np.concatenate([images, *[images[-1:]] * missing])
        of_batches = self.compiled(function, tf.TensorSpec([None, *self.image_shape], tf.float32))
        (found,) = of_batches(np.asarray(images, np.float32))
        return found.numpy()[: len(found) - missing]

    def _tiles(self, image: Reader) -> Values:
        """Returns the probabilities of tiles as `blended` wants them.

        The pixels of the next tiles are read and the model sees them while those before are
        blended.
        """

        def values(rows: Sequence[Span], columns: Sequence[Span]) -> Iterator[np.ndarray]:
            for row in rows:
                whole: Window = slice(row.start, row.stop), slice(0, columns[-1].stop)
                yield from self._of_row(self._checked(image.read(whole)[np.newaxis])[0], columns)

        return lambda rows, columns: ahead(values(rows, columns))

    def _of_row(self, pixels: np.ndarray, columns: Sequence[Span]) -> Iterator[np.ndarray]:
        """Gives the probabilities of the tiles of a row, as many at once as there are devices."""
        for _, group in groupby(columns, key=lambda column: column.stop - column.start):
            same = list(group)
            for first in range(0, len(same), self.replicas):
                chosen = same[first : first + self.replicas]
                cut = np.stack([pixels[:, column.start : column.stop] for column in chosen])
                yield from self._padded(self.views.probabilities, cut)

    def _checked(self, images: npt.ArrayLike) -> np.ndarray:
        pixels = np.asarray(images)
        if pixels.ndim != 4 or 0 in pixels.shape or not self._fits(pixels.shape[1:]):
            raise KerassegError(
                f"an image of shape {pixels.shape[1:]}, where the model takes {self.image_shape} "
                "(height, width, channels; None for any): give RGB, a grey image three times, and "
                "leave out alpha."
            )
        # Half a step is left to what interpolation rounds; nan is in no range.
        if pixels.dtype != np.uint8 and not (
            pixels.dtype.kind in "uif" and pixels.min() >= -0.5 and pixels.max() <= 255.5
        ):
            raise KerassegError(
                f"the model takes values of 0..255; received {pixels.dtype}, {pixels.min()} to "
                f"{pixels.max()}. Divide 16-bit values by 257; scale or clip others to 0..255."
            )
        return pixels

    def _fits(self, shape: tuple[int, ...]) -> bool:
        pairs = zip(shape, self.image_shape, strict=True)
        return all(wanted in (None, found) for found, wanted in pairs)


def _refined(crf: DenseCRF, image: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Returns refined probabilities; a single channel is that of class 1 of two."""
    if maps.shape[-1] > 1:
        return crf.refine(image, maps)
    return crf.refine(image, np.concatenate([1 - maps, maps], axis=-1))[..., 1:]


def _sees_everything(model: keras.Model) -> bool:
    return any(
        isinstance(layer, CodebookGeneration)
        or (isinstance(layer, keras.Model) and _sees_everything(layer))
        for layer in model.layers
    )
