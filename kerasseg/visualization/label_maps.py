"""Pictures of label maps: colour maps, overlays, comparisons side by side, contact sheets."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet
from kerasseg.visualization.panels import INK, LINE_HEIGHT, MARGIN, PAPER, font, panel_row, written

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

_CHIP = 14
_STRIP = 1 << 18  # pixels that are mixed at once, some 20 MB
_EDGE = (170, 170, 170)


def colour_map(label: npt.ArrayLike, labels: LabelSet) -> np.ndarray:
    """Returns a label map in the colours of its classes, uint8 `(H, W, 3)`; void is black.

    Args:
        label: Class ids, `(H, W)`.
        labels: The classes, their colours and the void label.

    Raises:
        KerassegError: If a value is neither a class nor void.

    Example:
        >>> colour_map([[0, 255]], LabelSet(("road",), palette=((9, 8, 7),))).tolist()
        [[[9, 8, 7], [0, 0, 0]]]
    """
    ids = np.asarray(label)
    void = ids == labels.ignore_label
    wrong = ids[~void & ((ids < 0) | (ids >= labels.num_classes))]
    if wrong.size:
        raise KerassegError(
            f"the label map holds {int(wrong[0])}; accepted are the classes "
            f"0..{labels.num_classes - 1} and {labels.ignore_label} for void."
        )
    colours = np.array([*labels.colours, (0, 0, 0)], np.uint8)
    return colours[np.where(void, labels.num_classes, ids)]


def overlay(
    image: npt.ArrayLike, label: npt.ArrayLike, labels: LabelSet, opacity: float = 0.5
) -> np.ndarray:
    """Returns the image with its classes' colours laid over it, uint8 `(H, W, 3)`; void is clear.

    Args:
        image: RGB, `(H, W, 3)`, 0..255.
        label: Class ids, `(H, W)`.
        labels: The classes, their colours and the void label.
        opacity: 0 shows the image alone, 1 the colours alone.

    Raises:
        KerassegError: If the sizes differ, the opacity is out of its range, or a value is
            neither a class nor void.

    Example:
        >>> road = LabelSet(("road",), palette=((200, 0, 0),))
        >>> overlay([[[0, 0, 100], [0, 0, 100]]], [[0, 255]], road).tolist()
        [[[100, 0, 50], [0, 0, 100]]]
    """
    pixels, ids = np.asarray(image), np.asarray(label)
    if pixels.shape != (*ids.shape, 3) or ids.ndim != 2:
        raise KerassegError(
            f"an overlay needs an image (H, W, 3) and a label map (H, W) of one size; "
            f"got {pixels.shape} and {ids.shape}."
        )
    if not 0 <= opacity <= 1:
        raise KerassegError(f"opacity lies within 0..1; got {opacity}.")
    found = np.empty(pixels.shape, np.uint8)
    rows = max(1, _STRIP // max(1, ids.shape[1]))
    for first in range(0, len(ids), rows):
        strip = slice(first, first + rows)
        found[strip] = _mixed(pixels[strip], ids[strip], labels, opacity)
    return found


def _mixed(image: np.ndarray, ids: np.ndarray, labels: LabelSet, opacity: float) -> np.ndarray:
    pixels, seen = image.astype(np.float32), (ids != labels.ignore_label)[..., np.newaxis]
    mixed = pixels + opacity * seen * (colour_map(ids, labels) - pixels)
    return np.clip(np.round(mixed), 0, 255)


def side_by_side(
    image: npt.ArrayLike,
    truth: npt.ArrayLike | None,
    prediction: npt.ArrayLike,
    labels: LabelSet,
    *,
    opacity: float = 0.75,
    legend: bool = True,
    path: str | os.PathLike[str] | None = None,
) -> "Image":
    """Returns image, truth and prediction in a row with a legend below, as a Pillow image.

    Args:
        image: RGB, `(H, W, 3)`, 0..255.
        truth: Class ids, `(H, W)`; None where it is not known.
        prediction: Class ids, `(H, W)`.
        labels: The classes, their colours and the void label.
        opacity: That of the colours over the image.
        legend: Whether to name the classes below.
        path: Where to write the picture too, if anywhere; the suffix tells the format.

    Raises:
        KerassegError: As `overlay` does.

    Example:
        >>> image, truth = np.zeros((64, 96, 3), "uint8"), np.zeros((64, 96), "int32")
        >>> prediction, labels = np.ones_like(truth), LabelSet(("road", "car"))
        >>> side_by_side(image, truth, prediction, labels, path="street.png").size
        (328, 127)
    """
    panels = [("image", np.clip(np.asarray(image), 0, 255).astype(np.uint8))]
    if truth is not None:
        panels.append(("truth", overlay(image, truth, labels, opacity)))
    panels.append(("prediction", overlay(image, prediction, labels, opacity)))
    picture = panel_row(panels)
    if legend:
        picture = _with_legend(picture, labels)
    return written(picture, path)


def labelled_crop(
    image: npt.ArrayLike,
    label: npt.ArrayLike,
    labels: LabelSet,
    *,
    opacity: float = 0.5,
    title: str = "crop",
) -> "Image":
    """Returns an image and, beside it, the same with its labels laid over, as a Pillow image.

    Args:
        image: RGB, `(H, W, 3)`, 0..255.
        label: Class ids, `(H, W)`; void is left clear.
        labels: The classes, their colours and the void label.
        opacity: That of the colours over the image.
        title: What stands above the image.

    Raises:
        KerassegError: As `overlay` does.

    Example:
        >>> crop, label = np.zeros((64, 96, 3), "uint8"), np.zeros((64, 96), "int32")
        >>> labelled_crop(crop, label, LabelSet(("road", "car"))).size
        (222, 98)
    """
    pixels = np.clip(np.round(np.asarray(image)), 0, 255).astype(np.uint8)
    return panel_row([(title, pixels), ("labels", overlay(pixels, label, labels, opacity))])


def contact_sheet(
    pictures: Sequence["Image | np.ndarray"],
    path: str | os.PathLike[str] | None = None,
    *,
    columns: int = 1,
    labels: LabelSet | None = None,
) -> "Image":
    """Returns pictures in rows and columns on one sheet, as a Pillow image.

    Args:
        pictures: Pillow images or arrays, uint8 `(H, W, 3)`; their sizes may differ.
        path: Where to write the sheet too, if anywhere; the suffix tells the format.
        columns: How many stand in a row.
        labels: Classes to name below the pictures.

    Raises:
        KerassegError: If there is no picture or no column.

    Example:
        >>> pictures = [np.zeros((40, 60, 3), "uint8")] * 3
        >>> contact_sheet(pictures, "sheet.png", columns=2).size
        (120, 80)
    """
    from PIL import Image

    if not pictures or columns < 1:
        raise KerassegError(
            f"a contact sheet needs a picture and a column; got {len(pictures)} and {columns}."
        )
    images = [Image.fromarray(p) if isinstance(p, np.ndarray) else p for p in pictures]
    rows = [images[start : start + columns] for start in range(0, len(images), columns)]
    widths = [max(row[n].width for row in rows if n < len(row)) for n in range(len(rows[0]))]
    heights = [max(picture.height for picture in row) for row in rows]
    sheet = Image.new("RGB", (sum(widths), sum(heights)), PAPER)
    for row, top in zip(rows, np.cumsum([0, *heights]), strict=False):
        for picture, left in zip(row, np.cumsum([0, *widths]), strict=False):
            sheet.paste(picture, (int(left), int(top)))
    return written(sheet if labels is None else _with_legend(sheet, labels), path)


def _with_legend(picture: "Image", labels: LabelSet) -> "Image":
    """Returns the picture with a strip below it: a chip of colour and a name for each class."""
    from PIL import Image, ImageDraw

    ruler = ImageDraw.Draw(picture)
    widths = [_chip_width(ruler, name) for name in labels.class_names]
    width = max(picture.width, max(widths) + MARGIN)
    places, left, line = [], MARGIN, 0
    for chip_width in widths:
        if left + chip_width > width and left > MARGIN:
            left, line = MARGIN, line + 1
        places.append((left, picture.height + line * LINE_HEIGHT))
        left += chip_width
    height = picture.height + (line + 1) * LINE_HEIGHT + MARGIN // 2
    whole = Image.new("RGB", (width, height), PAPER)
    whole.paste(picture)
    draw = ImageDraw.Draw(whole)
    for place, name, colour in zip(places, labels.class_names, labels.colours, strict=True):
        _draw_chip(draw, place, name, colour)
    return whole


def _chip_width(draw: "ImageDraw", name: str) -> int:
    return _CHIP + 6 + int(draw.textlength(name, font())) + 2 * MARGIN


def _draw_chip(
    draw: "ImageDraw", place: tuple[int, int], name: str, colour: tuple[int, int, int]
) -> None:
    left, top = place[0], place[1] + (LINE_HEIGHT - _CHIP) // 2
    draw.rounded_rectangle((left, top, left + _CHIP, top + _CHIP), 3, colour, _EDGE)
    draw.text((left + _CHIP + 6, top + _CHIP / 2), name, INK, font(), anchor="lm")
