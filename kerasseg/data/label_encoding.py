"""How the files of a data set store the classes of their pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.label_set import Colour

# What a stored value becomes that is neither a class nor void: no label set accepts it.
UNKNOWN = -1


@dataclass(frozen=True)
class LabelEncoding:
    """The way from the stored values of a label map to class ids.

    Without arguments the values themselves are the ids: the grey values of a PNG of one channel
    (1 to 16 bits), or the indices of a palette PNG.

    Args:
        ids: For stored numbers that are no class ids: the id for each number, void ones too.
        colours: For RGB label maps: the id for each colour (0..255 each), void ones too.

    Raises:
        KerassegError: If both are given, or a stored number lies outside 0..65535.

    Example:
        >>> LabelEncoding(ids={0: 255, 7: 0, 8: 1}).ids[0]
        (0, 255)
        >>> LabelEncoding(colours={(128, 64, 128): 0, (0, 0, 0): 255}).kind
        'colours'
    """

    ids: Mapping[int, int] | tuple[tuple[int, int], ...] | None = None
    colours: Mapping[Colour, int] | tuple[tuple[Colour, int], ...] | None = None

    def __post_init__(self) -> None:
        if self.ids is not None and self.colours is not None:
            raise KerassegError("a label map stores numbers or colours: give ids or colours.")
        for name in ("ids", "colours"):
            table = getattr(self, name)
            if isinstance(table, Mapping):
                object.__setattr__(self, name, tuple(sorted(table.items())))
        if any(not 0 <= stored <= 65535 for stored in dict(self.ids or {})):
            raise KerassegError("the numbers that a PNG can store are 0..65535.")

    @property
    def kind(self) -> str:
        """What the files hold: `"ids"`, `"numbers"` that stand for ids, or `"colours"`."""
        return "colours" if self.colours is not None else "ids" if self.ids is None else "numbers"

    def class_ids(self, stored: tf.Tensor) -> tf.Tensor:
        """Returns the class ids `(H, W)`; `UNKNOWN` for what the encoding leaves out.

        Args:
            stored: Numbers `(H, W)`, or colours, int32 `(H, W, 3)`.

        Returns:
            int32; where the numbers are the ids themselves, their own dtype.
        """
        if self.colours is not None:
            return _by_colour(stored, dict(self.colours))
        return stored if self.ids is None else _by_number(tf.cast(stored, tf.int32), dict(self.ids))


CLASS_IDS = LabelEncoding()


def _by_number(stored: tf.Tensor, ids: Mapping[int, int]) -> tf.Tensor:
    # The last place stands for every number beyond those that are listed.
    table = np.full(max(ids, default=0) + 2, UNKNOWN, np.int32)
    table[list(ids)] = list(ids.values())
    return tf.gather(tf.constant(table), tf.minimum(stored, len(table) - 1))


def _by_colour(stored: tf.Tensor, ids: Mapping[Colour, int]) -> tf.Tensor:
    numbers = {_number(colour): value for colour, value in ids.items()}
    # The smallest divisor that sends each colour to a place of its own.
    divisor = next(
        d for d in count(max(len(numbers), 1)) if len({n % d for n in numbers}) == len(numbers)
    )
    owners, table = np.full(divisor, UNKNOWN, np.int32), np.full(divisor, UNKNOWN, np.int32)
    for number, value in numbers.items():
        owners[number % divisor], table[number % divisor] = number, value
    keys = (stored[..., 0] * 256 + stored[..., 1]) * 256 + stored[..., 2]
    places = keys % divisor
    known = tf.gather(tf.constant(owners), places) == keys
    return tf.where(known, tf.gather(tf.constant(table), places), UNKNOWN)


def _number(colour: Colour) -> int:
    red, green, blue = colour
    return (red * 256 + green) * 256 + blue
