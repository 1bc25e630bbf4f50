"""What the codewords of an EfficientFCN attend to."""

import keras
import numpy as np
import numpy.typing as npt

from kerasseg.errors import KerassegError
from kerasseg.layers import CodebookGeneration
from kerasseg.layers.codebook_generation import position_weights


def weighting_maps(model: keras.Model, images: npt.ArrayLike) -> np.ndarray:
    """Returns the weighting maps of an EfficientFCN: how much each position gives to a codeword.

    They are the paper's Ã (Liu et al., ECCV 2020, arXiv 2008.10487, section 3.2), on the grid of
    stride 32. `kerasseg.visualization.weighting_map_picture` shows them beside the image.

    Args:
        model: An EfficientFCN, new or loaded.
        images: RGB, `(N, H, W, 3)`, 0..255, of any size that the model takes; all are computed
            at once.

    Returns:
        `(N, h, w, n)`, float32, for n codewords; those of an image and codeword add up to 1.

    Raises:
        KerassegError: If the model is no EfficientFCN, or the images have another rank.

    Example:
        >>> import kerasseg
        >>> model = kerasseg.EfficientFCN("mobilenetv2", 5, backbone_weights=None,
        ...                               num_codewords="auto")
        >>> weighting_maps(model, np.zeros((1, 64, 96, 3), "uint8")).shape
        (1, 2, 3, 20)
    """
    codebooks = [layer for layer in model.layers if isinstance(layer, CodebookGeneration)]
    if len(codebooks) != 1:
        raise KerassegError(
            f"the model {model.name!r} is no EfficientFCN: it has {len(codebooks)} codebooks among "
            "its layers. Give a model of kerasseg.EfficientFCN, new or loaded."
        )
    pixels = np.asarray(images)
    if pixels.ndim != 4:
        raise KerassegError(
            f"images are (N, H, W, channels); got {pixels.shape}. image[np.newaxis] makes a batch "
            "of one image."
        )
    _, weighting = codebooks[0].input
    maps = keras.Model(model.inputs[0], weighting)(pixels, training=False)
    return position_weights(maps).numpy().reshape(maps.shape)
