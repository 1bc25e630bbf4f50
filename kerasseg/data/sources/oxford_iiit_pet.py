"""The Oxford-IIIT pets: a cat or dog before its background; the border between them is void.

Some of its files `*.jpg` hold a PNG or a GIF. TensorFlow knows them by their contents; the GIFs are
converted.
"""

from functools import partial
from pathlib import Path

import numpy as np

from kerasseg.data.conversion import Conversion, Converted, convert
from kerasseg.data.data_set import DataSet
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.data.pair import Pair
from kerasseg.data.sources.tree import files_in, listed, named, root_of
from kerasseg.errors import UnreadableError
from kerasseg.label_set import LabelSet

ENCODING = LabelEncoding(ids={1: 1, 2: 0, 3: 255})
_LAYOUT = """\
images/Abyssinian_1.jpg
annotations/trimaps/Abyssinian_1.png
annotations/trainval.txt, test.txt"""


def _read(data_dir: Path, split: str) -> list[Pair]:
    needed = ("images", "annotations/trimaps")
    root = root_of(data_dir, "the Oxford-IIIT pets", needed, ("", "oxford-iiit-pet"))
    folder, trimaps = root / "images", root / "annotations" / "trimaps"
    source = root / "annotations" / f"{split}.txt"
    names = listed(source, first_word=True)
    images = _without_gif(named(names, files_in(folder, ".jpg"), folder, source))
    labels = named(names, files_in(trimaps, ".png"), trimaps, source)
    return [
        Pair(image.path, label, ENCODING, image.problem)
        for image, label in zip(images, labels, strict=True)
    ]


def _without_gif(images: list[Path]) -> list[Converted]:
    gifs = [path for path in images if path.is_file() and _begins(path) == b"GIF8"]
    conversions = [Conversion(path, path.stem, partial(_pixels, path)) for path in gifs]
    converted = dict(zip(gifs, convert("oxford_iiit_pet", conversions), strict=True))
    return [converted.get(path, Converted(path)) for path in images]


def _begins(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(4)


def _pixels(path: Path) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError):
        raise UnreadableError(
            f"{path} is a GIF that is corrupt or cut short. Restore it."
        ) from None


DATA_SET = DataSet(
    name="oxford_iiit_pet",
    title="Oxford-IIIT Pet",
    labels=LabelSet(("background", "pet"), ((0, 0, 0), (230, 120, 40))),
    images={"trainval": 3680, "test": 3669},
    licence="CC BY-SA 4.0",
    homepage="https://www.robots.ox.ac.uk/~vgg/data/pets/",
    paper="Parkhi et al., CVPR 2012",
    layout=_LAYOUT,
    read=_read,
)
