"""What a file of annotations in COCO's format holds, checked before anything is drawn."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from kerasseg.data.faults import Fault, refuse
from kerasseg.errors import KerassegError, first_complaint

Number = Annotated[int, Field(strict=True)] | Annotated[str, Field(strict=True)]
_Side = Annotated[int, Field(gt=0)]
_NO_MASK = (
    "has no mask: a polygon of at least three corners or a run-length code is needed, since a "
    "box alone does not say which pixels are meant"
)


@dataclass(frozen=True, slots=True)
class CocoImage:
    """An image: its number, its file below the folder of the split, and its size in pixels."""

    id: Number
    file_name: Annotated[str, Field(min_length=1)]
    height: _Side
    width: _Side


@dataclass(frozen=True, slots=True)
class CocoCategory:
    """A category: its number and its name."""

    id: Number
    name: str


@dataclass(frozen=True, slots=True)
class CocoAnnotation:
    """An object: image, category, polygons or a run-length code, and whether it is a crowd."""

    image_id: Number
    category_id: Number
    segmentation: Any
    iscrowd: bool = False
    id: Any = ""


@dataclass(frozen=True, slots=True)
class CocoContents:
    """All that is read of a file; what else it holds is passed over."""

    images: list[CocoImage]
    categories: list[CocoCategory]
    annotations: list[CocoAnnotation]

    def by_image(self, path: Path) -> dict[Number, list[CocoAnnotation]]:
        """Returns the annotations of each image, all of which can be drawn.

        Raises:
            KerassegError: Names the first annotation that cannot be.
        """
        images = {image.id: image for image in self.images}
        categories = {category.id for category in self.categories}
        found: dict[Number, list[CocoAnnotation]] = {number: [] for number in images}
        for one in self.annotations:
            image = images.get(one.image_id)
            if problem := _problem(one, image, categories):
                name = f"annotation {one.id} of image {one.image_id}"
                file = f" ({image.file_name})" if image else ""
                fault = Fault("bad-annotation", path, f"{name}{file}{problem}")
                refuse(f"{path}: {name}{problem}.", [fault])
            else:
                found[one.image_id].append(one)
        return found


def _problem(
    annotation: CocoAnnotation, image: CocoImage | None, categories: set[Number]
) -> str | None:
    """Returns why an annotation cannot be drawn, as it is said after its name."""
    if image is None:
        return ": there is no such image in 'images'"
    if annotation.category_id not in categories:
        return f" is of the unknown category {annotation.category_id}"
    problem = mask_problem(annotation.segmentation, (image.height, image.width))
    return f" {problem}" if problem else None


def read_annotations(path: Path) -> CocoContents:
    """Returns the contents of a file of annotations.

    Raises:
        KerassegError: If it is no JSON, an entry lacks something or is of another type, or a
            number of an image or a category comes twice.
    """
    try:
        contents = TypeAdapter(CocoContents).validate_json(path.read_bytes())
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            said = error.errors()[0]["msg"].removeprefix("Invalid JSON: ")
            raise KerassegError(f"{path} is no JSON file ({said}). Export it again.") from None
        complaint = first_complaint(error)
        raise KerassegError(
            f"{path} holds no annotations as COCO has them: {complaint}. Export it again."
        ) from None
    _refuse_twice(path, "images", (image.id for image in contents.images))
    _refuse_twice(path, "categories", (category.id for category in contents.categories))
    return contents


def _refuse_twice(path: Path, what: str, numbers: Iterable[Number]) -> None:
    for number, same in groupby(sorted(numbers, key=_order)):
        if len(list(same)) > 1:
            raise KerassegError(
                f"{path} has the id {number} twice in {what!r}: it must stand for one alone."
            )


def _order(number: Number) -> tuple[bool, Number]:
    return isinstance(number, str), number


def ordered(categories: Sequence[CocoCategory]) -> list[CocoCategory]:
    """Returns categories in the order of their numbers, names among them last."""
    return sorted(categories, key=lambda category: _order(category.id))


def mask_problem(shape: Any, size: tuple[int, int]) -> str | None:
    """Returns why a mask cannot be drawn, None if it can.

    Args:
        shape: A list of polygons, or a run-length code.
        size: Height and width of the image.
    """
    if isinstance(shape, dict) and "counts" in shape:
        return _code_problem(shape, size)
    if isinstance(shape, list) and shape and all(map(_is_polygon, shape)):
        return None
    return _NO_MASK


def _is_polygon(corners: Any) -> bool:
    if not isinstance(corners, list) or len(corners) < 6 or len(corners) % 2:
        return False
    try:
        return bool(np.isfinite(np.asarray(corners, np.float64)).all())
    except (TypeError, ValueError):
        return False


def _code_problem(shape: dict[str, Any], size: tuple[int, int]) -> str | None:
    if shape.get("size") != list(size):
        return f"has a mask of size {shape.get('size')} on an image of size {list(size)}"
    counts = shape["counts"]
    if isinstance(counts, str):
        lengths = run_lengths(counts)
    elif isinstance(counts, list) and all(type(count) is int for count in counts):
        lengths = counts
    else:
        lengths = None
    if lengths is None or min(lengths, default=0) < 0:
        return "has a run-length code that cannot be read"
    if sum(lengths) != size[0] * size[1]:
        return (
            f"has a run-length code of {sum(lengths)} pixels on an image of {size[0] * size[1]} "
            f"(size {list(size)})"
        )
    return None


def run_lengths(text: str) -> list[int] | None:
    """Returns the lengths of the runs of a compressed code; None if the text is none.

    A character holds five bits from the lowest on and whether more follow; from the fourth run
    on a length is stored as the difference from the last but one (pycocotools' `rleToString`).

    Example:
        >>> run_lengths("52203"), run_lengths("~")
        ([5, 2, 2, 2, 5], None)
    """
    lengths: list[int] = []
    value = shift = 0
    for character in text:
        digit = ord(character) - 48
        if not 0 <= digit < 64:
            return None
        value |= (digit & 0x1F) << shift
        shift += 5
        if digit & 0x20:
            continue
        value -= (digit & 0x10) and 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    return None if shift else lengths
