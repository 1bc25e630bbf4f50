"""What of the prediction changes when an image is seen in tiles."""

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np
import numpy.typing as npt

from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.engine import predict
from kerasseg.evaluation.inference.protocol import GRID, Protocol, protocol_of


def tile_differences(
    model: keras.Model,
    image: npt.ArrayLike,
    tile: int,
    overlaps: Sequence[int] | None = None,
    protocol: str | Protocol = "whole",
) -> dict[int, float]:
    """Returns for some overlaps the share of pixels whose class tiles change.

    The receptive field of RefineNet on a deep backbone is larger than a tile, and EfficientFCN's
    codewords see the whole image: what tiles change has to be measured.

    Args:
        model: Pixels `(N, H, W, 3)` to logits or probabilities `(N, H, W, C)`.
        image: `(H, W, 3)`, 0..255, larger than a tile, and small enough to be seen whole.
        tile: Side of a tile, a multiple of 32.
        overlaps: Multiples of 32, at most half of the tile; None for none, a quarter and a half,
            each taken down to a multiple of 32.
        protocol: The views of the image and of each tile, and the margin, which is taken down to
            half of each overlap. A dense CRF, which sees the whole image, is left out.

    Returns:
        By overlap the share, 0..1, of pixels whose class is another than that of the whole image.

    Raises:
        KerassegError: If the image is no larger than a tile, or anything else cannot be used.

    Example:
        >>> images = keras.Input((None, None, 3))
        >>> model = keras.Model(images, keras.layers.Conv2D(8, 1, name="logits")(images))
        >>> image = np.random.default_rng(0).integers(0, 256, (96, 160, 3))
        >>> tile_differences(model, image, 64, (32,))  # each pixel by itself: nothing changes
        {32: 0.0}
    """
    pixels = np.asarray(image)
    if max(pixels.shape[:2]) <= tile:
        raise KerassegError(
            f"an image of {pixels.shape[0]}x{pixels.shape[1]} pixels has one tile of {tile}; give "
            "a larger image or a smaller tile."
        )
    usual = [0, *(tile // part // GRID * GRID for part in (4, 2))]
    protocol = replace(protocol_of(protocol), crf=None)
    whole = predict(model, pixels, protocol.in_tiles(0, 0))

    def share(overlap: int) -> float:
        tiles = protocol.in_tiles(tile, overlap, min(protocol.margin, overlap // 2))
        return float(np.mean(predict(model, pixels, tiles) != whole))

    return {
        overlap: share(overlap)
        for overlap in dict.fromkeys(usual if overlaps is None else overlaps)
    }
