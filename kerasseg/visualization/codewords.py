"""Pictures of where in an image the codewords of EfficientFCN look."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kerasseg.errors import KerassegError
from kerasseg.visualization.panels import panel_row, written

if TYPE_CHECKING:
    from PIL.Image import Image


def weighting_map_picture(
    image: npt.ArrayLike,
    maps: npt.ArrayLike,
    codewords: Sequence[int] | None = None,
    *,
    count: int = 5,
    path: str | os.PathLike[str] | None = None,
) -> "Image":
    """Returns an image beside heat maps of some codewords, as a Pillow image.

    The style is that of the figure in the paper (Liu et al., ECCV 2020, arXiv 2008.10487). Each
    heat map has its own scale, from black for 0 to pale yellow for the largest weight.

    Args:
        image: RGB, `(H, W, 3)`, 0..255.
        maps: The weighting maps of this image, `(h, w, n)`, of `kerasseg.weighting_maps`.
        codewords: Which to show, 0..n - 1; None for those that `peaked_codewords` chooses.
        count: How many are chosen.
        path: Where to write the picture too, if anywhere; the suffix tells the format.

    Raises:
        KerassegError: If image or maps have another rank, or a codeword is not there.

    Example:
        >>> maps = np.random.default_rng(0).dirichlet(np.ones(6), 8).T.reshape(2, 3, 8)
        >>> weighting_map_picture(np.zeros((64, 96, 3)), maps, count=3).size
        (434, 98)
    """
    pixels, weights = np.asarray(image), _checked(maps)
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise KerassegError(f"an image is (H, W, 3), RGB; got {pixels.shape}.")
    chosen = peaked_codewords(weights, count) if codewords is None else tuple(codewords)
    wrong = [number for number in chosen if not 0 <= number < weights.shape[2]]
    if wrong:
        raise KerassegError(
            f"codeword {wrong[0]} is not there: the maps are of 0..{weights.shape[2] - 1}."
        )
    panels = [("image", np.clip(pixels, 0, 255).astype(np.uint8))]
    for number in chosen:
        panels.append((f"codeword {number}", _heat_map(weights[..., number], pixels.shape[:2])))
    return written(panel_row(panels), path)


def peaked_codewords(maps: npt.ArrayLike, count: int = 5) -> tuple[int, ...]:
    """Returns the numbers of the codewords whose weighting maps are the most peaked.

    Those of least entropy come first. Of codewords that have their largest weight at the same
    position the most peaked alone is taken, as long as there are others.

    Args:
        maps: The weighting maps of one image, `(h, w, n)`, of `kerasseg.weighting_maps`.
        count: How many at most.

    Raises:
        KerassegError: If the maps have another rank or `count` is below 1.

    Example:
        >>> flat, peaked = np.array([[0.4, 0.3, 0.3]]), np.array([[0.1, 0.1, 0.8]])
        >>> peaked_codewords(np.stack([flat, peaked, peaked], -1), count=2)
        (1, 0)
    """
    weights = _checked(maps)
    if count < 1:
        raise KerassegError(f"count is at least 1; got {count}.")
    flat = weights.reshape(-1, weights.shape[2]).astype(np.float64)
    entropy = -np.sum(flat * np.log(np.where(flat > 0, flat, 1)), 0)
    order = np.argsort(entropy, kind="stable")
    _, first = np.unique(flat.argmax(0)[order], return_index=True)
    distinct = np.zeros(len(order), bool)
    distinct[first] = True
    return tuple(int(n) for n in np.concatenate([order[distinct], order[~distinct]])[:count])


def _checked(maps: npt.ArrayLike) -> np.ndarray:
    weights = np.asarray(maps, np.float32)
    if weights.ndim != 3:
        raise KerassegError(
            f"weighting maps of one image are (h, w, n), weighting_maps(model, images)[0]; "
            f"got {weights.shape}."
        )
    return weights


def _heat_map(weights: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Returns a map in colours at the size of the image, uint8 `(H, W, 3)`."""
    from matplotlib import colormaps
    from PIL import Image

    relative = Image.fromarray(weights / max(float(weights.max()), np.finfo(np.float32).tiny))
    smooth = relative.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    colours = colormaps["inferno"](np.asarray(smooth))[..., :3]
    return np.round(255 * colours).astype(np.uint8)
