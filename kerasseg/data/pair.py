"""An image file and its label map."""

from dataclasses import dataclass
from pathlib import Path

from kerasseg.data.label_encoding import CLASS_IDS, LabelEncoding


@dataclass(frozen=True)
class Pair:
    """An image file and the label map that belongs to it.

    Args:
        image: JPEG, PNG, BMP or WebP.
        label: A PNG of one channel (grey of 1 to 16 bits, or a palette), or of RGB colours.
        encoding: How the label map stores the classes.

    Example:
        >>> Pair(Path("train/images/street.jpg"), Path("train/labels/street.png")).name
        'street'
    """

    image: Path
    label: Path
    encoding: LabelEncoding = CLASS_IDS

    @property
    def name(self) -> str:
        """What the two files have in common: the name without suffix."""
        return self.image.stem
