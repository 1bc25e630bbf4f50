"""Where a backbone's weights come from, and the errors when they do not."""

import os
from pathlib import Path
from typing import Any, TypeAlias

from kerasseg.errors import KerassegError, first_line
from kerasseg.weights.loading import load_exactly

Weights: TypeAlias = str | os.PathLike[str] | None


def resolve(weights: Weights) -> Weights:
    """Returns `"imagenet"`, None, or the path of a weights file that is there.

    Raises:
        KerassegError: If there is no file of this name.
    """
    if weights is None or weights == "imagenet":
        return weights
    if not isinstance(weights, str | os.PathLike) or not Path(weights).is_file():
        raise KerassegError(
            f"no such weights file: {str(weights)!r}. backbone_weights is 'imagenet', None, "
            "or the path of a weights file."
        )
    return Path(weights)


def load_keras_file(network: Any, path: os.PathLike[str], backbone: str) -> None:
    """Loads a weights file of Keras (`.weights.h5` or `.h5`) into a backbone's network.

    Raises:
        KerassegError: If Keras cannot read the file or it holds other tensors than those of the
            network; the message lists every one that differs.
    """
    load_exactly(
        network,
        path,
        problem=(
            f"{path} does not hold weights of {backbone} without its classifier, in Keras' layout"
        ),
        remedy=(
            f"As backbone_weights give a file that save_weights of {backbone} wrote, 'imagenet' "
            "or None."
        ),
    )


def saved_channels(weights: Weights) -> int | None:
    """Returns how many channels a backbone took whose own `save_weights` wrote this file.

    Returns:
        None if the weights are no file, or one in the layout of the network that the backbone
        is made from.
    """
    import h5py

    if not isinstance(weights, Path) or not h5py.is_hdf5(weights):
        return None
    with h5py.File(weights) as file:
        stem = file.get("layers/conv2d/vars/0")
        return stem.shape[2] if stem and "layers/pixel_normalization" in file else None


def not_downloaded(backbone: str, error: Exception) -> KerassegError:
    """Returns the error for ImageNet weights that Keras could not fetch or read."""
    return KerassegError(
        f"the ImageNet weights of {backbone} could not be loaded: {first_line(error)}\n"
        "Without a network, give backbone_weights=None or the path of a weights file that was "
        "fetched elsewhere."
    )
