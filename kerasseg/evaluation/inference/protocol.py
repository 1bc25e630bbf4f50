"""How a model is asked for an image: at which scales, mirrored or not, whole or in tiles."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from kerasseg.checks import is_count, is_number
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.evaluation.inference.dense_crf import DenseCRF

GRID = 32  # the coarsest stride: tiles that begin on it have the feature maps of the whole image


@dataclass(frozen=True)
class Protocol:
    """Which views of an image a model sees; the probabilities of all of them are averaged.

    Args:
        scales: Factors of height and width; each gives a view, resized bilinearly.
        flip: Whether each view is seen mirrored from left to right too.
        multiple: Sides of a view are rounded to the nearest multiple of this, at least one.
        tile: Side of the square tiles that an image is cut into, pixels, a multiple of 32; 0 for
            the whole image. An image no larger than a tile is seen whole.
        overlap: By how many pixels neighbouring tiles overlap, a multiple of 32, at most half a
            tile.
        margin: Pixels at the sides of a tile inside the image that are not used, at most half the
            overlap. What is left of the overlap goes over linearly from one tile to the next.
        crf: What refines the averaged probabilities of the whole image; None for nothing.

    Raises:
        KerassegError: If an argument is out of its range.

    Example:
        >>> Protocol(scales=(0.5, 1.0), flip=True).views
        ((0.5, False), (0.5, True), (1.0, False), (1.0, True))
        >>> Protocol(tile=500)
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: tile is a multiple of 32 or 0; received 500.
    """

    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    multiple: int = 1
    tile: int = 0
    overlap: int = 0
    margin: int = 0
    crf: DenseCRF | None = None

    def __post_init__(self) -> None:
        self._check_views()
        if self.crf is not None and not isinstance(self.crf, DenseCRF):
            raise KerassegError(f"crf is a DenseCRF or None; received {self.crf!r}.")
        for name in ("tile", "overlap"):
            if not _is_multiple(getattr(self, name), GRID):
                raise KerassegError(
                    f"{name} is a multiple of {GRID} or 0; received {getattr(self, name)!r}."
                )
        if 2 * self.overlap > self.tile:
            raise KerassegError(
                f"overlap is at most half of tile; received overlap {self.overlap} with tile "
                f"{self.tile}."
            )
        if not _is_multiple(self.margin, 1) or 2 * self.margin > self.overlap:
            raise KerassegError(
                f"margin is a whole number, at most half of overlap; received {self.margin!r} "
                f"with overlap {self.overlap}."
            )

    def _check_views(self) -> None:
        scales: Any = self.scales
        if not isinstance(scales, Sequence) or isinstance(scales, str) or not scales:
            raise KerassegError(f"scales are one or more numbers; received {scales!r}.")
        for scale in scales:
            if not is_number(scale) or not 0 < scale <= 16:
                raise KerassegError(f"a scale is above 0 and at most 16; received {scale!r}.")
        object.__setattr__(self, "scales", tuple(float(scale) for scale in scales))
        if not is_count(self.multiple):
            raise KerassegError(
                f"multiple is a whole number of at least 1; received {self.multiple!r}."
            )

    @property
    def views(self) -> tuple[tuple[float, bool], ...]:
        """Scale, and whether it is mirrored, of each view."""
        flips = (False, True) if self.flip else (False,)
        return tuple((scale, flipped) for scale in self.scales for flipped in flips)

    @property
    def sees_image_itself(self) -> bool:
        """Whether the image as it is is the only view."""
        return self.views == ((1.0, False),) and self.multiple == 1

    def in_tiles(self, tile: int, overlap: int, margin: int = 0) -> "Protocol":
        """Returns the same views of tiles."""
        return replace(self, tile=tile, overlap=overlap, margin=margin)

    @property
    def of_views_alone(self) -> "Protocol":
        """The same views of the whole image, not refined."""
        return replace(self.in_tiles(0, 0), crf=None)

    def to_json(self) -> dict[str, Any]:
        """Returns the arguments as JSON holds them; `crf` where there is one."""
        arguments = {**asdict(self), "scales": list(self.scales)}
        if self.crf is None:
            del arguments["crf"]  # as it was written before there were any
        return arguments


def _is_multiple(value: object, of: int) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return value >= 0 and value % of == 0


# The reference for EfficientFCN's release states: "whole image, sizes rounded to multiples of 32,
# scales 0.75..2 and flip".
PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "whole": Protocol(),
        "refinenet": Protocol(scales=(0.4, 0.6, 0.8, 1.0, 1.2)),
        "efficientfcn": Protocol(
            scales=(0.75, 1.0, 1.25, 1.5, 1.75, 2.0), flip=True, multiple=GRID
        ),
    }
)


def protocol_of(protocol: str | Protocol) -> Protocol:
    """Returns a protocol by its name, or one that is given as it is.

    - `"whole"`: the image itself, once.
    - `"refinenet"`: the class probabilities averaged over the scales 0.4, 0.6, 0.8, 1.0 and 1.2,
      not mirrored, as RefineNet's authors test. That they are resized bilinearly, and without a
      filter against aliasing as in training here, is assumed.
    - `"efficientfcn"`: the whole image at scales of 0.75 to 2, sides rounded to multiples of 32,
      each mirrored too, as EfficientFCN's released code tests. The steps of 0.25, that rounding is
      to the nearest multiple, and that probabilities are what is averaged, are assumed.

    Args:
        protocol: One of these names, or a `Protocol`.

    Raises:
        KerassegError: If there is no such name.

    Example:
        >>> protocol_of("refinenet").scales
        (0.4, 0.6, 0.8, 1.0, 1.2)
    """
    if isinstance(protocol, Protocol):
        return protocol
    if protocol not in PROTOCOLS:
        raise unknown_name("protocol", protocol, PROTOCOLS)
    return PROTOCOLS[protocol]


def name_of(protocol: Protocol) -> str:
    """Returns what a protocol is called in file names.

    Example:
        >>> name_of(protocol_of("refinenet").in_tiles(512, 128))
        'refinenet-tile512-overlap128'
        >>> name_of(Protocol(scales=(0.5, 1), flip=True))
        'scales0.5,1-flip'
        >>> name_of(Protocol(crf=DenseCRF(steps=5)))
        'whole-crf-steps5'
    """
    views = protocol.of_views_alone
    known = [name for name, each in PROTOCOLS.items() if each == views]
    parts = known[:1] or [
        "scales" + ",".join(f"{scale:g}" for scale in protocol.scales),
        *(["flip"] if protocol.flip else []),
        *([f"multiple{protocol.multiple}"] if protocol.multiple > 1 else []),
    ]
    for part in ("tile", "overlap", "margin"):
        if getattr(protocol, part):
            parts.append(f"{part}{getattr(protocol, part)}")
    if protocol.crf:
        parts.append(protocol.crf.name)
    return "-".join(parts)
