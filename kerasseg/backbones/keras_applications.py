"""Networks of Keras Applications as backbones."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from kerasseg.backbones.weights_file import Weights, load_keras_file, not_downloaded

# ImageNet's channel means and deviations, of pixels 0..1.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

CAFFE: dict[str, Any] = {
    "mean": (103.939, 116.779, 123.68),
    "std": (1.0, 1.0, 1.0),
    "reverse_channels": True,
}
MINUS_ONE_TO_ONE: dict[str, Any] = {"mean": (127.5,) * 3, "std": (127.5,) * 3}
STANDARDIZED: dict[str, Any] = {
    "mean": tuple(255 * mean for mean in IMAGENET_MEAN),
    "std": tuple(255 * std for std in IMAGENET_STD),
}


def application(builder: str, **options: Any) -> Callable[[Any, Weights], keras.Model]:
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


def _with_imagenet_weights(
    builder: str, network: Callable[..., keras.Model], arguments: dict[str, Any]
) -> keras.Model:
    try:
        with warnings.catch_warnings():
            # MobileNetV2 says that it loads the weights of 224x224, which are those wanted.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined")
            return network(weights="imagenet", **arguments)
    except Exception as error:  # Keras raises the bare class when a download fails
        raise not_downloaded(builder, error) from error
