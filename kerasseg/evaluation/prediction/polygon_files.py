"""Polygons of label maps as files: COCO's JSON and GeoJSON."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

import numpy as np

from kerasseg.evaluation.prediction.polygons import (
    Region,
    doubled_area,
    outlines_without_holes,
    regions,
)
from kerasseg.files import atomic_file
from kerasseg.label_set import LabelSet

POLYGON_SUFFIXES = {"coco": ".json", "geojson": ".geojson"}
COCO_FILE = "coco.json"
_COMPACT = (",", ":")


def write_geojson(
    file: Path, classes: np.ndarray, labels: LabelSet, place: dict[str, Any] | None = None
) -> None:
    """Writes the regions of a label map as GeoJSON, a feature each, with their holes.

    A feature has the properties `class`, its name, `id` and `pixels`, its area. Outlines run
    counter-clockwise and holes clockwise, x to the right and y upwards. The coordinates are those
    of `place`; its reference system is named by the member `crs` of GeoJSON's first version, which
    QGIS and GDAL read and RFC 7946, which knows WGS 84 alone, leaves to agreement. Without a place
    they are pixels, x to the right and y downwards from the upper left corner.

    Args:
        file: Where.
        classes: uint8 or uint16 `(H, W)`.
        labels: Names of the classes.
        place: `crs` and `transform` as rasterio has them, of a raster that lies on the earth.

    Example:
        >>> write_geojson(Path("a.geojson"), np.zeros((2, 3), "uint8"), LabelSet(("soil",)))
        >>> (feature,) = json.loads(Path("a.geojson").read_text())["features"]
        >>> feature["properties"], feature["geometry"]["coordinates"][0][0]
        ({'class': 'soil', 'id': 0, 'pixels': 6}, [0, 0])
    """
    head: dict[str, Any] = {"type": "FeatureCollection"}
    if place and place["crs"]:
        head["crs"] = {"type": "name", "properties": {"name": _name_of_crs(place["crs"])}}
    transform = place["transform"] if place else None
    found = (_feature(region, labels, transform) for region in regions(classes))
    with atomic_file(file) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(head, separators=_COMPACT)[:-1])
        _write_list(stream, "features", found)
        stream.write("\n}\n")


def _feature(region: Region, labels: LabelSet, transform: Any) -> dict[str, Any]:
    rings: list[Any] = region.rings
    if transform:
        rings = [[_moved(corner, transform) for corner in ring] for ring in rings]
    for place, ring in enumerate(rings):
        if (doubled_area(ring) > 0) != (place == 0):
            ring.reverse()
    name = labels.class_names[region.class_id]
    return {
        "type": "Feature",
        "properties": {"class": name, "id": region.class_id, "pixels": region.area},
        "geometry": {"type": "Polygon", "coordinates": rings},
    }


def _moved(corner: tuple[int, int], transform: Any) -> tuple[float, float]:
    (x, y), (a, b, c, d, e, f) = corner, transform[:6]
    return a * x + b * y + c, d * x + e * y + f


def _name_of_crs(crs: Any) -> str:
    authority = crs.to_authority()
    return "urn:ogc:def:crs:{}::{}".format(*authority) if authority else crs.to_wkt()


def write_coco(
    file: Path, classes: np.ndarray, labels: LabelSet, file_name: str | PurePosixPath
) -> None:
    """Writes the regions of a label map in COCO's format, an annotation each, as polygons.

    The number of a category is that of the class. The polygons of an annotation are to be united;
    a region with holes, which COCO's polygons do not have, is cut in rows into parts that have
    none. Drawn by pycocotools they are the regions pixel by pixel.

    Args:
        file: Where.
        classes: uint8 or uint16 `(H, W)`.
        labels: Names of the classes.
        file_name: What the image is called.

    Example:
        >>> write_coco(Path("a.json"), np.zeros((2, 3), "uint8"), LabelSet(("soil",)), "a.jpg")
        >>> (annotation,) = json.loads(Path("a.json").read_text())["annotations"]
        >>> annotation["area"], annotation["bbox"], annotation["segmentation"]
        (6, [0, 0, 3, 2], [[0, 0, 0, 2, 3, 2, 3, 0]])
    """
    height, width = classes.shape
    image = {"id": 1, "file_name": str(file_name), "width": width, "height": height}
    annotations = (
        _annotation(number, region) for number, region in enumerate(regions(classes), start=1)
    )
    _write_coco(file, [image], annotations, labels)


def _annotation(number: int, region: Region) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": 1,
        "category_id": region.class_id,
        "iscrowd": 0,
        "area": region.area,
        "bbox": list(region.box),
        "segmentation": [
            [value for corner in ring[:-1] for value in corner]
            for ring in outlines_without_holes(region)
        ],
    }


def gather_coco(directory: Path, labels: LabelSet) -> None:
    """Writes one `coco.json` of all images that have a file of `write_coco`.

    One of them at a time is in memory.

    Args:
        directory: An output directory; the files are those below its `polygons`.
        labels: Names of the classes.

    Example:
        >>> labels, none = LabelSet(("soil",)), np.zeros((2, 3), "uint8")
        >>> for name in "ab":
        ...     write_coco(Path(f"out/polygons/{name}.json"), none, labels, f"{name}.jpg")
        >>> gather_coco(Path("out"), labels)
        >>> [image["id"] for image in json.loads(Path("out/coco.json").read_text())["images"]]
        [1, 2]
    """
    files = sorted(
        file
        for file in (directory / "polygons").rglob(f"*{POLYGON_SUFFIXES['coco']}")
        if not file.name.startswith(".")
    )
    images = ({**each["images"][0], "id": number} for number, each in _numbered(files))
    _write_coco(directory / COCO_FILE, images, _annotations(files), labels)


def _numbered(files: Iterable[Path]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, file in enumerate(files, start=1):
        yield number, json.loads(file.read_text("utf-8"))


def _annotations(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    total = 0
    for number, each in _numbered(files):
        for annotation in each["annotations"]:
            total += 1
            yield {**annotation, "id": total, "image_id": number}


def _write_coco(
    file: Path, images: Iterable[Any], annotations: Iterable[Any], labels: LabelSet
) -> None:
    info = {"description": "regions predicted by kerasseg"}
    categories = [{"id": id_, "name": name} for id_, name in enumerate(labels.class_names)]
    head = {"info": info, "categories": categories}
    with atomic_file(file) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(head, separators=_COMPACT)[:-1])
        _write_list(stream, "images", images)
        _write_list(stream, "annotations", annotations)
        stream.write("\n}\n")


def _write_list(stream: TextIO, key: str, items: Iterable[Any]) -> None:
    stream.write(f',\n"{key}":[')
    for number, item in enumerate(items):
        stream.write(",\n" if number else "\n")
        json.dump(item, stream, separators=_COMPACT)
    stream.write("]")
