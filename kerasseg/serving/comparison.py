"""How far the answers of one signature lie from the probabilities of the Keras model."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kerasseg.errors import KerassegError
from kerasseg.serving.images import decoded

# Of 0..255. The same picture in another build of the JPEG library stays far below; another class in
# 2 % of the pixels, which 16 bits may cost, comes to 0.6 with the colours of PASCAL VOC's map.
COLOUR_TOLERANCE = 1.0


@dataclass
class Comparison:
    """The largest differences of one signature, over all answers that were added.

    Attributes:
        signature: Its name.
        answers: How many answers were compared, one an image and call.
        probability: Largest absolute difference of a probability. Where a mask is the answer,
            the Keras probability of its class is compared with that of the Keras class: nothing
            where the classes are the same, and within rounding where they tie.
        pixels: How many pixels were compared.
        other_class: In how many of them the class differs.
        confidence: Largest absolute difference of an image's confidence.
        milliseconds: Median time of one call with one image.
        colour: Where pictures are the answers, the mean absolute difference of their values
            0..255, of the picture where it is largest; None elsewhere.

    Example:
        >>> comparison = Comparison("probabilities")
        >>> expected, served = np.array([[[0.75, 0.25]]]), np.array([[[[0.5, 0.5]]]])
        >>> comparison.add(expected, {"probabilities": served}, place=0)
        >>> comparison.probability, comparison.within(1e-4)
        (0.25, False)
    """

    signature: str
    answers: int = 0
    probability: float = 0.0
    pixels: int = 0
    other_class: int = 0
    confidence: float = 0.0
    milliseconds: float = 0.0
    colour: float | None = None

    def add(self, expected: np.ndarray, answer: Mapping[str, np.ndarray], place: int) -> None:
        """Compares one image's answer.

        Args:
            expected: Probabilities of the Keras model, `(H, W, C)`.
            answer: The outputs of a call.
            place: Which image of the call's batch it is.

        Raises:
            KerassegError: If the answer is an error, or has another size or other classes than
                `expected`.
        """
        self._check_error(answer, place)
        mask, confidence = _mask_and_confidence(answer, place)
        self._check(mask, expected)
        if "probabilities" in answer:
            difference = np.abs(answer["probabilities"][place] - expected).max()
        else:
            given = np.take_along_axis(expected, mask[..., None].astype(np.int64), axis=-1)
            difference = (expected.max(-1) - given[..., 0]).max()
        own = expected.max(-1).mean(dtype=np.float64)
        off = 0.0 if confidence is None else abs(confidence - own)
        self.answers += 1
        self.pixels += mask.size
        self.other_class += int((mask != expected.argmax(-1)).sum())
        # np.maximum keeps a NaN, which then counts as disagreement; max() may lose it.
        self.probability = float(np.maximum(self.probability, difference))
        self.confidence = float(np.maximum(self.confidence, off))

    def add_overlay(
        self, expected: np.ndarray, answer: Mapping[str, np.ndarray], place: int
    ) -> None:
        """Compares the overlay of one image.

        Args:
            expected: As `overlay_picture` makes it of the Keras model's classes, `(H, W, 3)`.
            answer: The outputs of a call.
            place: Which image of the call's batch it is.

        Raises:
            KerassegError: If the answer is an error, no picture, or has another size.
        """
        self._check_error(answer, place)
        found = decoded(f"{self.signature} {place}", answer["overlay_bytes"][place])
        if found.shape != expected.shape:
            raise KerassegError(
                f"{self.signature} answers a picture of {found.shape[0]}x{found.shape[1]} pixels "
                f"to an image of {expected.shape[0]}x{expected.shape[1]}: export it again."
            )
        difference = float(np.abs(found.astype(np.int16) - expected).mean())
        self.answers += 1
        self.colour = max(self.colour or 0.0, difference)

    def within(self, tolerance: float) -> bool:
        """Whether no probability and no confidence is further off than `tolerance`."""
        return self.answers > 0 and self.probability <= tolerance and self.confidence <= tolerance

    @property
    def shows_its_colours(self) -> bool:
        """Whether its pictures, if it has any, are off by no more than `COLOUR_TOLERANCE`."""
        return self.colour is None or self.colour <= COLOUR_TOLERANCE

    def _check_error(self, answer: Mapping[str, np.ndarray], place: int) -> None:
        if "error" in answer and answer["error"][place]:
            said = answer["error"][place].decode(errors="replace")
            raise KerassegError(f"{self.signature} refuses image {place} of its batch: {said}")

    def _check(self, mask: np.ndarray, expected: np.ndarray) -> None:
        *size, num_classes = expected.shape
        if list(mask.shape) != size or mask.max() >= num_classes:
            raise KerassegError(
                f"{self.signature} answers {list(mask.shape)} pixels with classes up to "
                f"{mask.max()}, the Keras model {size} with {num_classes} classes: it was exported "
                "from another model."
            )


def _mask_and_confidence(
    answer: Mapping[str, np.ndarray], place: int
) -> tuple[np.ndarray, float | None]:
    if "probabilities" in answer:
        probabilities = answer["probabilities"][place]
        return probabilities.argmax(-1), probabilities.max(-1).mean(dtype=np.float64)
    mask = answer["mask"] if "mask" in answer else answer["mask_bytes"]
    image = mask[place] if "mask" in answer else decode_mask(mask[place])
    # The masks of other formats than the SavedModel come alone.
    return image, float(answer["confidence"][place]) if "confidence" in answer else None


def decode_mask(png: bytes) -> np.ndarray:
    """Returns the class ids `(H, W)` of a mask, uint8 or uint16 as the file has them."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)))
