"""One's own data as COCO writes it: images, and a JSON file of polygons and masks for each split.

Two layouts are known: that of COCO, `annotations/instances_<split>.json` with the images in
`<split>/` or `images/<split>/`, and that which annotation tools export,
`<split>/_annotations.coco.json` beside the images.
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasseg.data import tiff
from kerasseg.data.conversion import Conversion, convert
from kerasseg.data.extras import imported
from kerasseg.data.faults import Fault, refuse
from kerasseg.data.listing import entries
from kerasseg.data.pair import Pair
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.label_set import LabelSet

if TYPE_CHECKING:
    from kerasseg.data.coco_annotations import CocoAnnotation, CocoContents, CocoImage, Number

_BEFORE, _AFTER = "instances_", ".json"
_EXPORTED = "_annotations.coco.json"


class CocoJson:
    """A directory with annotations in COCO's format; its classes are read from them.

    Class 0 is the background, on which nothing is annotated; the categories follow in the order of
    their numbers. Regions that are marked as crowds are void.

    Args:
        data_dir: The directory, in one of the two layouts above.

    Raises:
        KerassegError: If the directory holds no such file, or one that cannot be read.

    Example:
        >>> import json
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
        self._names = category_names(self._first, _read(self._first))

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that have annotations."""
        return tuple(self._files)

    def annotation_file(self, split: str) -> Path:
        """Returns the JSON file of a split.

        Raises:
            KerassegError: If there is no such split.
        """
        if split not in self._files:
            raise unknown_name(f"split of {self.directory}", split, self.splits)
        return self._files[split]

    def image_folder(self, split: str) -> Path:
        """Returns the directory that the names of the images of a split are relative to."""
        return image_folder(self.directory, split)

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
        return tiff.without_tiff(self.stored(split))

    def stored(self, split: str) -> list[Pair]:
        """Returns the pairs of `find` before TIFF images are converted."""
        path = self.annotation_file(split)
        contents = _read(path)
        categories = category_names(path, contents)
        if not self._check_categories(path, categories):
            return []
        ids = {number: place for place, number in enumerate(categories, start=1)}
        folder, void = self.image_folder(split), self.labels.ignore_label
        return drawn_pairs("coco_json", folder, path, contents, ids, void)

    def _check_categories(self, path: Path, categories: Mapping["Number", str]) -> bool:
        """Refuses categories that are others than those of the other splits."""
        here, there = ", ".join(categories.values()), ", ".join(self._names.values())
        if here == there:
            return True
        first = self._first.relative_to(self.directory)
        refuse(
            f"{path} has the categories {here} and {self._first} has {there}: all splits need "
            "the same, in one order.",
            [Fault("other-categories", path, f"has {here}, and {first} has {there}")],
        )
        return False


def _annotation_files(directory: Path) -> dict[str, Path]:
    if not directory.is_dir():
        raise KerassegError(f"no such data directory: {directory}. Give the folder of the splits.")
    official = sorted((directory / "annotations").glob(f"{_BEFORE}*{_AFTER}"))
    files = {path.name[len(_BEFORE) : -len(_AFTER)]: path for path in official}
    if not files:
        files = {path.parent.name: path for path in sorted(directory.glob(f"*/{_EXPORTED}"))}
    if not files:
        raise KerassegError(
            f"{directory} holds no annotations of COCO: expected "
            f"annotations/{_BEFORE}train{_AFTER} or train/{_EXPORTED} in it; found "
            f"{entries(directory)}."
        )
    return files


def _read(path: Path) -> "CocoContents":
    from kerasseg.data.coco_annotations import read_annotations

    return read_annotations(path)


def image_folder(directory: Path, split: str) -> Path:
    """Returns the directory that the names of the images of a split are relative to."""
    folders = (directory / split, directory / "images" / split)
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def category_names(path: Path, contents: "CocoContents") -> dict["Number", str]:
    """Returns the names of the categories by number, in the order of the numbers.

    Raises:
        KerassegError: If there are none.
    """
    from kerasseg.data.coco_annotations import ordered

    if not contents.categories:
        raise KerassegError(f"{path} has no categories, so that there is nothing to learn.")
    return {category.id: category.name for category in ordered(contents.categories)}


def drawn_pairs(
    kind: str,
    folder: Path,
    path: Path,
    contents: "CocoContents",
    ids: Mapping["Number", int],
    void: int,
) -> list[Pair]:
    """Returns a pair for each image of a file of annotations, sorted by name.

    Args:
        kind: What the drawn label maps are kept under; see `convert`.
        folder: What the names of the images are relative to.
        path: The file.
        contents: What it holds.
        ids: The class of each category that something is annotated as, by its number.
        void: The label of crowds.

    Raises:
        KerassegError: If an image is missing, or an annotation has no polygon or mask or refers
            to what is not there.
    """
    images = sorted(contents.images, key=lambda image: image.file_name)
    files = _image_files(folder, path, images)
    annotations = contents.by_image(path)
    drawn = convert(
        kind,
        [
            Conversion(
                path,
                Path(image.file_name).stem,
                partial(_label, image, annotations[image.id], ids=ids, void=void),
                variant=str(Path(image.file_name).parent),
            )
            for image in images
        ],
    )
    return [
        Pair(image, label.path, problem=label.problem)
        for image, label in zip(files, drawn, strict=True)
    ]


def _image_files(folder: Path, source: Path, images: "Sequence[CocoImage]") -> list[Path]:
    if not images:
        refuse(f"{source} lists no images.", [Fault("empty-split", source)])
    files = [folder / image.file_name for image in images]
    missing = [path for path in files if not path.is_file()]
    if missing:
        refuse(
            f"{source} names {missing[0]}, which is not there ({len(missing)} of {len(files)} "
            "are missing).",
            [Fault("missing-file", path, f"listed in {source.name}") for path in missing],
        )
    return files


def _label(
    image: "CocoImage",
    annotations: "Sequence[CocoAnnotation]",
    *,
    ids: Mapping["Number", int],
    void: int,
) -> np.ndarray:
    """Returns the class ids of an image, uint8 or uint16 `(H, W)`."""
    size = (image.height, image.width)
    masks = [_mask(annotation.segmentation, size) for annotation in annotations]
    label = np.zeros(size, np.uint8 if void < 256 else np.uint16)
    for place in sorted(range(len(masks)), key=lambda place: -int(masks[place].sum())):
        annotation = annotations[place]
        label[masks[place]] = void if annotation.iscrowd else ids[annotation.category_id]
    return label


def _mask(shape: Any, size: tuple[int, int]) -> np.ndarray:
    coco_mask = imported("pycocotools.mask", "COCO's annotations")
    if isinstance(shape, dict) and isinstance(shape["counts"], str):
        return coco_mask.decode(shape).astype(bool)
    codes = coco_mask.frPyObjects(shape, *size)
    return coco_mask.decode(coco_mask.merge(codes) if isinstance(codes, list) else codes) != 0
