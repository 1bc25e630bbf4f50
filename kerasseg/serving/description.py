"""What stands in a SavedModel, in a line a signature."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf


def describe_signatures(path: str | os.PathLike[str]) -> list[str]:
    """Returns a line a signature: its inputs and outputs with shapes and types.

    Args:
        path: The version directory.

    Raises:
        OSError: If there is no `saved_model.pb` in it.

    Example:
        >>> import keras
        >>> from kerasseg.serving import export_saved_model
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> version = export_saved_model(keras.Model(images, logits), "served", warmup_images=())
        >>> describe_signatures(version)[0]
        'overlay: image_bytes [?] string -> error [?] string, overlay_bytes [?] string'
    """
    from tensorflow.core.protobuf import saved_model_pb2

    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString((Path(path) / "saved_model.pb").read_bytes())
    signatures = saved_model.meta_graphs[0].signature_def
    return [
        f"{name}: {_tensors(signatures[name].inputs)} -> {_tensors(signatures[name].outputs)}"
        for name in sorted(signatures)
        if not name.startswith("__")
    ]


def _tensors(tensors: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_type(tensors[name])}" for name in sorted(tensors))


def _type(tensor: Any) -> str:
    sides = ["?" if side.size < 0 else str(side.size) for side in tensor.tensor_shape.dim]
    return f"[{', '.join(sides)}] {tf.as_dtype(tensor.dtype).name}"
