"""Networks of Keras Applications as backbones."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np

from kerasseg.backbones.rewiring import rewired
from kerasseg.backbones.weights_file import Weights, load_keras_file, not_downloaded
from kerasseg.errors import KerassegError

Build: TypeAlias = Callable[[Any, Weights], keras.Model]

# ImageNet's channel means and deviations, of pixels 0..1.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

CAFFE: dict[str, Any] = {
    "mean": (103.939, 116.779, 123.68),
    "std": (1.0, 1.0, 1.0),
    "reverse_channels": True,
}
MINUS_ONE_TO_ONE: dict[str, Any] = {"mean": (127.5,) * 3, "std": (127.5,) * 3}
# What Keras' EfficientNetV2 S, M and L hold inside: `pixel / 128 - 1`.
OVER_128: dict[str, Any] = {"mean": (128.0,) * 3, "std": (128.0,) * 3}
STANDARDIZED: dict[str, Any] = {
    "mean": tuple(255 * mean for mean in IMAGENET_MEAN),
    "std": tuple(255 * std for std in IMAGENET_STD),
}

_PREPROCESSING = (keras.layers.Rescaling, keras.layers.Normalization)


def application(builder: str, **options: Any) -> Build:
    """Returns the builder of one of Keras' networks, without its classifier.

    Args:
        builder: Its name in `keras.applications`.
        **options: Further arguments of that builder.
    """

    def build(pixels: Any, weights: Weights) -> keras.Model:
        network = getattr(keras.applications, builder)
        arguments = {"include_top": False, "input_tensor": pixels, **options}
        if weights == "imagenet":
            return _with_imagenet_weights(builder, network, arguments)
        model = network(weights=None, **arguments)
        if weights is not None:
            load_keras_file(model, Path(weights), builder)
        return model

    return build


def efficientnet(builder: str) -> Build:
    """Returns the builder of an EfficientNet B0..B7, on pixels that are normalized already.

    Keras' network begins with layers that rescale and normalize, whose statistics lie in the
    weights file and which compute in half precision under a mixed policy. They are left out, once
    it is certain that they do what `STANDARDIZED` does.

    Args:
        builder: Its name in `keras.applications`.
    """
    whole = application(builder)

    def build(pixels: Any, weights: Weights) -> keras.Model:
        network = whole(keras.Input(pixels.shape[1:]), weights)
        if weights is not None:
            _check_statistics(network, builder, weights)
        return rewired(network, pixels, left_out=_PREPROCESSING)

    return build


def _with_imagenet_weights(
    builder: str, network: Callable[..., keras.Model], arguments: dict[str, Any]
) -> keras.Model:
    try:
        with warnings.catch_warnings():
            # The MobileNets say that they load the weights of 224x224, which are those wanted.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined")
            return network(weights="imagenet", **arguments)
    except Exception as error:  # Keras raises the bare class when a download fails
        raise not_downloaded(builder, error) from error


def _check_statistics(network: keras.Model, builder: str, weights: Weights) -> None:
    """Refuses weights that were trained on pixels of another normalization.

    The published files hold ImageNet's deviations where Keras' layer expects variances; a
    further layer, which has no weights, divides by their roots once more.
    """
    (layer,) = (one for one in network.layers if isinstance(one, keras.layers.Normalization))
    mean, variance, _ = layer.get_weights()
    if np.allclose(mean, IMAGENET_MEAN, atol=1e-3) and np.allclose(
        variance, IMAGENET_STD, atol=1e-3
    ):
        return
    raise KerassegError(
        f"the weights {str(weights)!r} of {builder} go with pixels of mean {mean.tolist()} and "
        f"variance {variance.tolist()}, not with ImageNet's {list(IMAGENET_MEAN)} and "
        f"{list(IMAGENET_STD)} of the published files.\nGive the network itself as backbone, "
        "a keras.Model with four outputs."
    )
