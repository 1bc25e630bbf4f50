"""What a server answers, and the error if it does not."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kerasseg.errors import KerassegError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Answer:
    """What a served model says of an image.

    Attributes:
        mask_bytes: A PNG of class ids.
        confidence: The mean over the pixels of the largest probability, 0..1.
        class_shares: The share of the pixels of each class.

    Example:
        >>> from PIL import Image
        >>> stream = io.BytesIO()
        >>> Image.new("L", (6, 4), 3).save(stream, "PNG")
        >>> Answer(stream.getvalue(), confidence=0.9, class_shares=(0, 0, 0, 1)).mask[0]
        array([3, 3, 3, 3, 3, 3], dtype=uint8)
    """

    mask_bytes: bytes
    confidence: float
    class_shares: tuple[float, ...]

    @property
    def mask(self) -> "np.ndarray":
        """Class ids, `(H, W)`, uint8, or uint16 for more than 255 classes."""
        import numpy as np
        from PIL import Image

        pixels = np.asarray(Image.open(io.BytesIO(self.mask_bytes)))
        # Pillow opens 16 bits as 32 in some of its modes.
        return pixels if pixels.dtype == np.uint8 else pixels.astype(np.uint16)


class ServingError(KerassegError):
    """A server did not answer, or refused a request.

    Args:
        message: Who, and why.
        passing: Whether the same request may be answered later: the server could not be reached,
            was too busy, or is starting.

    Example:
        >>> ServingError("localhost:8501 cannot be reached", passing=True).passing
        True
    """

    def __init__(self, message: str, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


def check_available(address: object, states: Sequence[str]) -> None:
    """Returns if one of a model's versions is available.

    Args:
        address: The model, for the message.
        states: Those of its versions, as TensorFlow Serving names them.

    Raises:
        ServingError: If none is.
    """
    if "AVAILABLE" not in states:
        told = ", ".join(states) or "no version"
        raise ServingError(f"{address} is not available: {told}", passing=True)
