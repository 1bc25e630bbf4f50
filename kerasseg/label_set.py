"""What the values of a label map mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kerasseg.errors import KerassegError

Colour: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class LabelSet:
    """The classes of a label map: their names, their colours, and the label that is void.

    Args:
        class_names: One name a class; a label map holds the place in this list.
        palette: One RGB colour (0..255) a class; None for `default_palette`.
        ignore_label: The value of void pixels, which no loss and no metric sees. It is not
            a class.

    Raises:
        KerassegError: If names repeat, the palette has another length, or `ignore_label` is
            the number of a class.

    Example:
        >>> labels = LabelSet(("road", "car"))
        >>> labels.num_classes, labels.ignore_label, labels.palette[0]
        (2, 255, (128, 0, 0))
    """

    class_names: tuple[str, ...]
    palette: tuple[Colour, ...] | None = None
    ignore_label: int = 255

    def __post_init__(self) -> None:
        names = tuple(str(name) for name in self.class_names)
        object.__setattr__(self, "class_names", names)
        palette = default_palette(len(names)) if self.palette is None else self.palette
        object.__setattr__(self, "palette", tuple(_colour(colour) for colour in palette))
        self._check()

    def _check(self) -> None:
        names = self.class_names
        if not names:
            raise KerassegError("a label set needs at least one class name; it was given none.")
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise KerassegError(f"class names must differ; {', '.join(repeated)} comes twice.")
        if len(self.colours) != len(names):
            raise KerassegError(
                f"the palette has {len(self.colours)} colours for {len(names)} classes; "
                "give one colour a class."
            )
        if 0 <= self.ignore_label < len(names) or not 0 <= self.ignore_label <= 65535:
            raise KerassegError(
                f"ignore_label {self.ignore_label} must lie outside the classes 0.."
                f"{len(names) - 1} and within 0..65535; 255 is the usual choice."
            )

    @property
    def colours(self) -> tuple[Colour, ...]:
        """One RGB colour a class, 0..255."""
        return self.palette or ()

    @property
    def num_classes(self) -> int:
        """How many classes there are; void is none of them."""
        return len(self.class_names)


def _colour(values: Sequence[int]) -> Colour:
    whole = all(value == int(value) and 0 <= value <= 255 for value in values)
    if len(values) != 3 or not whole:
        raise KerassegError(
            f"a colour is three whole numbers of 0..255 (RGB); received {values!r}."
        )
    red, green, blue = (int(value) for value in values)
    return red, green, blue


def default_palette(num_classes: int) -> tuple[Colour, ...]:
    """Returns the colours 1, 2, ... of PASCAL VOC's map, one a class.

    The bits of the number are dealt in turn to red, green and blue, the highest place first,
    so that neighbours in the list look different. Colour 0 (black) is left to void.

    Example:
        >>> default_palette(3)
        ((128, 0, 0), (0, 128, 0), (128, 128, 0))
    """
    return tuple(_voc_colour(number) for number in range(1, num_classes + 1))


def _voc_colour(number: int) -> Colour:
    channels = [0, 0, 0]
    for bit in range(24):
        channels[bit % 3] |= ((number >> bit) & 1) << (7 - bit // 3)
    return channels[0], channels[1], channels[2]
