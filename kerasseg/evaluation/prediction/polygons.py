"""Label maps as polygons: the regions of each class, along the edges of the pixels."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from kerasseg.errors import KerassegError

Ring: TypeAlias = list[tuple[int, int]]


class Region(NamedTuple):
    """Pixels of one class that hang together by their edges.

    Attributes:
        class_id: The class.
        rings: The outline and then the holes, each a closed list of corners of pixels (x, y),
            whose first is its last. Rasterised again they are the region's pixels.
    """

    class_id: int
    rings: list[Ring]

    @property
    def area(self) -> int:
        """How many pixels it has."""
        outline, *holes = (abs(doubled_area(ring)) // 2 for ring in self.rings)
        return outline - sum(holes)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height of the outline."""
        columns, rows = zip(*self.rings[0], strict=True)
        left, top = min(columns), min(rows)
        return left, top, max(columns) - left, max(rows) - top


def regions(classes: np.ndarray) -> Iterator[Region]:
    """Gives the regions of a label map, of all classes.

    Pixels that touch at a corner alone are not connected. The outlines go along the edges of the
    pixels and not, as those of contour finders, through their centres, so that areas are exact and
    a line one pixel wide has one.

    Args:
        classes: uint8 or uint16 `(H, W)`.

    Raises:
        KerassegError: If rasterio is not installed.

    Example:
        >>> ring = np.zeros((4, 4), "uint8")
        >>> ring[1:3, 1:3] = 1
        >>> [(region.class_id, region.area, len(region.rings)) for region in regions(ring)]
        [(1, 4, 1), (0, 12, 2)]
    """
    for shape, value in polygon_library().shapes(classes, connectivity=4):
        yield Region(int(value), [_ring(ring) for ring in shape["coordinates"]])


def outlines_without_holes(region: Region) -> list[Ring]:
    """Returns outlines that together cover a region: it is cut in rows until no part has a hole.

    Args:
        region: With holes or without.

    Example:
        >>> ring = np.zeros((4, 4), "uint8")
        >>> ring[1:3, 1:3] = 1
        >>> _, frame = regions(ring)
        >>> outlines_without_holes(frame)[0]  # the first row, above the hole
        [(0, 0), (0, 1), (4, 1), (4, 0), (0, 0)]
    """
    if len(region.rings) == 1:
        return region.rings
    library = polygon_library()
    left, top, width, height = region.box
    moved = [[(x - left, y - top) for x, y in ring] for ring in region.rings]
    shape = {"type": "Polygon", "coordinates": moved}
    inside = library.rasterize([shape], (height, width), dtype=np.uint8).astype(bool)
    parts, cuts = [moved], np.zeros(height, bool)
    while any(len(part) > 1 for part in parts):
        # A cut at the first row of a hole leaves it open above.
        cuts[[min(y for _, y in hole) for part in parts for hole in part[1:]]] = True
        bands = inside * (1 + np.cumsum(cuts))[:, np.newaxis].astype(np.int32)
        found = library.shapes(bands, mask=inside, connectivity=4)
        parts = [[_ring(ring) for ring in part["coordinates"]] for part, _ in found]
    return [[(x + left, y + top) for x, y in part[0]] for part in parts]


def doubled_area(ring: Any) -> Any:
    """Returns twice the area of a ring, positive if it runs from the x axis to the y axis."""
    return sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in pairwise(ring))


def _ring(corners: Any) -> Ring:
    return [(int(x), int(y)) for x, y in corners]


def polygon_library() -> Any:
    """Returns rasterio's module of shapes.

    Raises:
        KerassegError: If it is not installed.
    """
    try:
        from rasterio import features
    except ImportError:
        raise KerassegError(
            'polygons need the package rasterio: pip install "kerasseg[polygons]".'
        ) from None
    return features
