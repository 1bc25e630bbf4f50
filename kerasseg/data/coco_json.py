"""One's own data as COCO writes it: images, and a JSON file of polygons and masks for each split.

Two layouts are known: that of COCO, `annotations/instances_<split>.json` with the images in
`<split>/` or `images/<split>/`, and that which annotation tools export,
`<split>/_annotations.coco.json` beside the images.
"""

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kerasseg.data import tiff
from kerasseg.data.conversion import Conversion, convert
from kerasseg.data.extras import imported
from kerasseg.data.pair import Pair
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import LabelSet

_BEFORE, _AFTER = "instances_", ".json"
_EXPORTED = "_annotations.coco.json"
_KEYS: dict[str, tuple[str, ...]] = {
    "images": ("id", "file_name", "height", "width"),
    "categories": ("id", "name"),
    "annotations": ("image_id", "category_id", "segmentation"),
}


class CocoJson:
    """A directory with annotations in COCO's format; its classes are read from them.

    Class 0 is the background, on which nothing is annotated; the categories follow in the order of
    their numbers. Regions that are marked as crowds are void.

    Args:
        data_dir: The directory, in one of the two layouts above.

    Raises:
        KerassegError: If the directory holds no such file, or one that cannot be read.

    Example:
        >>> folder = Path("leaves/train")
        >>> folder.mkdir(parents=True)
        >>> contents = {"images": [], "annotations": [], "categories": [{"id": 4, "name": "leaf"}]}
        >>> _ = (folder / "_annotations.coco.json").write_text(json.dumps(contents))
        >>> source = CocoJson("leaves")
        >>> source.splits, source.labels.class_names
        (('train',), ('background', 'leaf'))
    """

    def __init__(self, data_dir: str | os.PathLike[str]) -> None:
        self.directory = Path(data_dir)
        self._files = _annotation_files(self.directory)
        # Any of them will do: `find` compares the others with it.
        self._first = min(self._files.values(), key=lambda path: path.stat().st_size)
        self._names = category_names(self._first, read_annotations(self._first))

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that have annotations."""
        return tuple(self._files)

    @property
    def labels(self) -> LabelSet:
        """The classes, and void: 255, or 65535 where there are more classes than that."""
        names = ("background", *self._names.values())
        try:
            return LabelSet(names, ignore_label=255 if len(names) <= 255 else 65535)
        except KerassegError as error:
            raise KerassegError(f"{self._first}: {error}") from None

    def find(self, split: str) -> list[Pair]:
        """Returns the pairs of a split, sorted by name; the label maps are drawn once.

        Of objects that overlap the smaller one is seen.

        Args:
            split: One of `splits`.

        Raises:
            KerassegError: If there is no such split, an image is missing, or an annotation has no
                polygon or mask or refers to what is not there.
        """
        if split not in self._files:
            raise unknown_name(f"split of {self.directory}", split, self.splits)
        path = self._files[split]
        contents = read_annotations(path)
        categories = category_names(path, contents)
        self._check_categories(path, categories)
        ids = {number: place for place, number in enumerate(categories, start=1)}
        void = self.labels.ignore_label
        return drawn_pairs("coco_json", self.directory, split, path, contents, ids, void)

    def _check_categories(self, path: Path, categories: Mapping[Any, str]) -> None:
        here, there = list(categories.values()), list(self._names.values())
        if here != there:
            raise KerassegError(
                f"{path} has the categories {', '.join(here)} and {self._first} has "
                f"{', '.join(there)}: all splits need the same, in one order."
            )


def _annotation_files(directory: Path) -> dict[str, Path]:
    if not directory.is_dir():
        raise KerassegError(f"no such data directory: {directory}. Give the folder of the splits.")
    official = sorted((directory / "annotations").glob(f"{_BEFORE}*{_AFTER}"))
    files = {path.name[len(_BEFORE) : -len(_AFTER)]: path for path in official}
    if not files:
        files = {path.parent.name: path for path in sorted(directory.glob(f"*/{_EXPORTED}"))}
    if not files:
        found = ", ".join(sorted(path.name for path in directory.iterdir())[:6]) or "nothing"
        raise KerassegError(
            f"{directory} holds no annotations of COCO: expected "
            f"annotations/{_BEFORE}train{_AFTER} or train/{_EXPORTED} in it; found {found}."
        )
    return files


def read_annotations(path: Path) -> dict[str, Any]:
    """Returns the contents of a file of annotations, whose lists are there as COCO has them.

    Raises:
        KerassegError: If it is no such file.
    """
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise KerassegError(f"{path} is no JSON file ({error}). Export it again.") from None
    for key, needed in _KEYS.items():
        entries = contents.get(key) if isinstance(contents, dict) else None
        if not isinstance(entries, list):
            raise KerassegError(f"{path} has no list {key!r}, as COCO's annotations have.")
        for entry in entries:
            if missing := [name for name in needed if name not in entry]:
                raise KerassegError(f"{path}: an entry of {key!r} lacks {missing[0]!r}: {entry}.")
    return dict(contents)


def category_names(path: Path, contents: Mapping[str, Any]) -> dict[Any, str]:
    """Returns the names of the categories by number, in the order of the numbers.

    Raises:
        KerassegError: If there are none.
    """
    if not contents["categories"]:
        raise KerassegError(f"{path} has no categories, so that there is nothing to learn.")
    ordered = sorted(contents["categories"], key=lambda category: category["id"])
    return {category["id"]: str(category["name"]) for category in ordered}


def drawn_pairs(
    kind: str,
    directory: Path,
    split: str,
    path: Path,
    contents: Mapping[str, Any],
    ids: Mapping[Any, int],
    void: int,
) -> list[Pair]:
    """Returns a pair for each image of a file of annotations, sorted by name.

    Args:
        kind: What the drawn label maps are kept under; see `convert`.
        directory: What holds the folder of the images.
        split: The name of that folder.
        path: The file.
        contents: What it holds.
        ids: The class of each category that something is annotated as, by its number.
        void: The label of crowds.

    Raises:
        KerassegError: If an image is missing, or an annotation has no polygon or mask or refers
            to what is not there.
    """
    images = sorted(contents["images"], key=lambda image: image["file_name"])
    files = _image_files(directory, split, path, images)
    annotations = _by_image(path, contents, category_names(path, contents))
    drawn = convert(
        kind,
        [
            Conversion(
                path,
                Path(image["file_name"]).stem,
                partial(_label, image, annotations[image["id"]], void=void, ids=ids),
                variant=str(Path(image["file_name"]).parent),
            )
            for image in images
        ],
    )
    pairs = [Pair(image, label) for image, label in zip(files, drawn, strict=True)]
    return tiff.without_tiff(pairs)


def _image_files(
    directory: Path, split: str, source: Path, images: Sequence[Mapping[str, Any]]
) -> list[Path]:
    if not images:
        raise KerassegError(f"{source} lists no images.")
    folders = (directory / split, directory / "images" / split)
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    files = [folder / image["file_name"] for image in images]
    missing = [path for path in files if not path.is_file()]
    if missing:
        raise KerassegError(
            f"{source} names {missing[0]}, which is not there ({len(missing)} of {len(files)} "
            "are missing)."
        )
    return files


def _by_image(
    path: Path, contents: Mapping[str, Any], categories: Mapping[Any, str]
) -> dict[Any, list[Mapping[str, Any]]]:
    """Returns the annotations of each image, all of which can be drawn."""
    images = {image["id"]: image for image in contents["images"]}
    found: dict[Any, list[Mapping[str, Any]]] = {number: [] for number in images}
    for annotation in contents["annotations"]:
        name = f"{path}: annotation {annotation.get('id', '')} of image {annotation['image_id']}"
        if annotation["image_id"] not in images:
            raise KerassegError(f"{name}: there is no such image in 'images'.")
        if annotation["category_id"] not in categories:
            raise KerassegError(f"{name} is of the unknown category {annotation['category_id']}.")
        image = images[annotation["image_id"]]
        if problem := _problem(annotation["segmentation"], [image["height"], image["width"]]):
            raise KerassegError(f"{name} {problem}.")
        found[annotation["image_id"]].append(annotation)
    return found


def _problem(shape: Any, size: list[int]) -> str | None:
    if isinstance(shape, dict) and "counts" in shape:
        given = shape.get("size")
        return None if given == size else f"has a mask of size {given} on an image of size {size}"
    polygons = shape if isinstance(shape, list) else []
    if polygons and all(
        isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0
        for polygon in polygons
    ):
        return None
    return (
        "has no mask: a polygon of at least three corners or a run-length code is needed, since a "
        "box alone does not say which pixels are meant"
    )


def _label(
    image: Mapping[str, Any],
    annotations: Sequence[Mapping[str, Any]],
    *,
    ids: Mapping[Any, int],
    void: int,
) -> np.ndarray:
    """Returns the class ids of an image, uint8 or uint16 `(H, W)`."""
    size = (image["height"], image["width"])
    masks = [_mask(annotation["segmentation"], size) for annotation in annotations]
    label = np.zeros(size, np.uint8 if void < 256 else np.uint16)
    for place in sorted(range(len(masks)), key=lambda place: -int(masks[place].sum())):
        annotation = annotations[place]
        value = void if annotation.get("iscrowd") else ids[annotation["category_id"]]
        label[masks[place]] = value
    return label


def _mask(shape: Any, size: tuple[int, int]) -> np.ndarray:
    coco_mask = imported("pycocotools.mask", "COCO's annotations")
    if isinstance(shape, dict) and isinstance(shape["counts"], (str, bytes)):
        return coco_mask.decode(shape).astype(bool)
    codes = coco_mask.frPyObjects(shape, *size)
    return coco_mask.decode(coco_mask.merge(codes) if isinstance(codes, list) else codes) != 0
