"""A model whose masks are known exactly: the class of a pixel is that of its colour.

Each channel has four levels, 0..63, 64..127, 128..191 and 192..255, which makes 64 classes. The
logits are exact in float32, so that every machine gives the same mask.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

NUM_CLASSES = 64
BLOCK = 16  # pixels: a multiple of the blocks of a JPEG
_LEVELS, _STEP = 4, 64


def colour_model() -> "keras.Model":
    """Returns pixels `(N, H, W, 3)` to logits `(N, H, W, 64)`.

    The logit of a class is less, the further the colour is from the middle of the class: of the
    squared distance all that differs between the classes is left.
    """
    import keras

    digits = np.stack(np.unravel_index(np.arange(NUM_CLASSES), (_LEVELS,) * 3))
    middles = (digits * _STEP + (_STEP - 1) / 2).astype("float32")
    images = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(NUM_CLASSES, 1, name="logits", dtype="float32")
    model = keras.Model(images, layer(images))
    layer.set_weights([2 * middles[None, None], -(middles**2).sum(0)])
    return model


def classes_of(pixels: np.ndarray) -> np.ndarray:
    """Returns the class of each pixel, uint8 `(H, W)`, of uint8 `(H, W, 3)`.

    Example:
        >>> classes_of(np.array([[[0, 63, 64], [255, 0, 128]]], np.uint8))
        array([[ 1, 50]], dtype=uint8)
    """
    weights = np.array([_LEVELS**2, _LEVELS, 1], np.uint8)
    return (pixels // _STEP * weights).sum(-1, dtype=np.uint8)


def pattern(number: int, height: int, width: int) -> np.ndarray:
    """Returns a picture that no other number has, uint8 `(H, W, 3)`.

    It is made of blocks of full colours, drawn at random by the number, which a JPEG at full
    resolution of its colours keeps on their levels. Of 256x256 pixels it holds 768 bits.
    """
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    full = np.random.default_rng(number).integers(0, 2, (rows, columns, 3), np.uint8) * 255
    return full.repeat(BLOCK, 0).repeat(BLOCK, 1)[:height, :width]
