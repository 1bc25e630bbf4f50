"""Tiles that overlap, and their values blended so that no seam is seen."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np

from kerasseg.evaluation.inference.protocol import GRID, Protocol


class Span(NamedTuple):
    """What a tile is along one axis.

    Attributes:
        start: Its first pixel in the image, a multiple of 32.
        stop: The pixel behind its last.
        first: Its first pixel that is used.
        last: The pixel behind the last that is used.
    """

    start: int
    stop: int
    first: int
    last: int


def spans(length: int, protocol: Protocol) -> list[Span]:
    """Returns the tiles that cover an axis, one behind the other.

    Neighbours use `overlap - 2 * margin` pixels in common. All tiles have the full side, but the
    last may lack up to 31 pixels, since it begins on a multiple of 32 like the others; it overlaps
    the one before by more where the length asks for it.

    Args:
        length: Pixels of the image.
        protocol: With tiles.

    Example:
        >>> [tuple(span) for span in spans(250, Protocol(tile=128, overlap=32))]
        [(0, 128, 0, 128), (96, 224, 96, 192), (128, 250, 160, 250)]
    """
    if length <= protocol.tile:
        return [Span(0, length, 0, length)]
    starts = _starts(length, protocol.tile, protocol.tile - protocol.overlap)
    common = protocol.overlap - 2 * protocol.margin
    found: list[Span] = []
    first = 0
    for start, following in pairwise(starts):
        # In the middle of what the two have in common, but not where the one before goes over.
        middle = (following + start + protocol.tile - common) // 2
        behind = max(middle, first + common if found else 0)
        found.append(Span(start, start + protocol.tile, first, behind + common))
        first = behind
    return [*found, Span(starts[-1], length, first, length)]


def _starts(length: int, tile: int, stride: int) -> list[int]:
    last = -(-(length - tile) // GRID) * GRID
    return [*range(0, last, stride), last]


Values: TypeAlias = Callable[[Sequence[Span], Sequence[Span]], Iterator[np.ndarray]]


class Block(NamedTuple):
    """Blended values `(h, w, C)` and where they begin in the image."""

    row: int
    column: int
    values: np.ndarray


def blended(size: tuple[int, int], protocol: Protocol, values: Values) -> Iterator[Block]:
    """Gives the blended values of an image, each pixel once, row of tiles by row of tiles.

    From one tile to the next the weights go over linearly, along each axis, and add up to 1; at
    the sides of the image they are 1. In memory are one tile, and of the row above it what the
    two have in common: `(overlap - 2 * margin) * W * C` values.

    Args:
        size: Height and width of the image.
        protocol: With tiles.
        values: From the rows and the columns of tiles to the values of each tile, row by row,
            float32 `(h, w, C)`. They may be written to.
    """
    rows, columns = (spans(length, protocol) for length in size)
    tiles = values(rows, columns)
    above: np.ndarray | None = None
    for row, below in zip(rows, [*rows[1:], None], strict=True):
        kept = 0 if below is None else row.last - below.first
        for block in _blended_row(row, columns, tiles):
            if above is None and kept:
                above = np.empty((kept, size[1], block.values.shape[-1]), np.float32)
            yield _over(block, above, row.first > 0, kept)


def _over(block: Block, above: np.ndarray | None, has_above: bool, kept: int) -> Block:
    """Blends a block with the rows of those above, in whose place it leaves its own last rows."""
    values = block.values
    if above is None:
        return block
    place = above[:, block.column : block.column + values.shape[1]]
    if has_above:
        _go_over(place, values[: len(place)])
    if not kept:
        return block
    place[:] = values[len(values) - kept :]
    return block._replace(values=values[: len(values) - kept])


def _blended_row(
    row: Span, columns: Sequence[Span], tiles: Iterator[np.ndarray]
) -> Iterator[Block]:
    """Gives what each tile of a row adds to it, the columns that the next one shares left out."""
    left: np.ndarray | None = None
    for column, following in zip(columns, [*columns[1:], None], strict=True):
        used = next(tiles)[
            row.first - row.start : row.last - row.start,
            column.first - column.start : column.last - column.start,
        ]
        if left is not None:
            _go_over(left.swapaxes(0, 1), used[:, : left.shape[1]].swapaxes(0, 1))
        end = used.shape[1] if following is None else following.first - column.first
        left = used[:, end:].copy()
        yield Block(row.first, column.first, used[:, :end])


def _go_over(old: np.ndarray, new: np.ndarray) -> None:
    """Blends along the first axis, in `new`, from mostly the old values to mostly the new ones."""
    # As a difference, so that equal values stay what they are to the last bit.
    shares = (np.arange(len(old), dtype=np.float32) + 0.5) / max(len(old), 1)
    difference = new - old
    difference *= shares[:, np.newaxis, np.newaxis]
    np.add(old, difference, out=new)
