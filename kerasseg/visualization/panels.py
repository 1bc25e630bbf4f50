"""Panels side by side on a sheet of paper, and the file that they end in."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerasseg.files import atomic_file

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

MARGIN = 10
LINE_HEIGHT = 24
PAPER = (255, 255, 255)
INK = (40, 40, 40)
_TEXT_SIZE = 14


def panel_row(panels: Sequence[tuple[str, np.ndarray]]) -> "Image":
    """Returns titled pictures of one size in a row, as a Pillow image."""
    from PIL import Image, ImageDraw

    height, width = panels[0][1].shape[:2]
    size = (len(panels) * (width + MARGIN) + MARGIN, height + LINE_HEIGHT + MARGIN)
    picture = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(picture)
    for number, (title, pixels) in enumerate(panels):
        left = MARGIN + number * (width + MARGIN)
        draw.text((left, LINE_HEIGHT / 2), title, INK, font(), anchor="lm")
        picture.paste(Image.fromarray(pixels), (left, LINE_HEIGHT))
    return picture


def font() -> "FreeTypeFont | ImageFont":
    """Returns the letters of titles and legends."""
    from PIL import ImageFont

    return ImageFont.load_default(_TEXT_SIZE)


def written(picture: "Image", path: str | os.PathLike[str] | None) -> "Image":
    """Returns the picture, written to `path` if there is one; the suffix tells the format."""
    if path is not None:
        with atomic_file(path) as temporary:
            picture.save(temporary)
    return picture
