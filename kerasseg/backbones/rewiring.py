"""A network's layers copied onto another input."""

from typing import Any

import keras

Kinds = tuple[type[keras.layers.Layer], ...]


def rewired(
    network: keras.Model,
    pixels: Any,
    left_out: Kinds = (),
    new: str | None = None,
    shared: bool = False,
) -> keras.Model:
    """Returns a copy of a network, weights and all, on another input.

    Args:
        network: A functional model of one input.
        pixels: Symbolic tensor `(N, H, W, channels)` that the copy begins with: an input, or
            what layers have made of one.
        left_out: The kinds of layers that the copy does without.
        new: Name of the one layer that takes no weights from the network: it is built for the
            pixels' own number of channels, with its initializer's values.
        shared: Whether the copy is made of the network's own layers, not of new ones.
    """
    (source,) = keras.utils.get_source_inputs(pixels)

    def on_pixels(tensor: Any) -> Any:
        return pixels if tensor is source else tensor

    def call(layer: Any, *inputs: Any, **arguments: Any) -> Any:
        # The copy is a model from `source` on, so the layers between it and `pixels` belong to it.
        inputs, arguments = keras.tree.map_structure(on_pixels, (inputs, arguments))
        return inputs[0] if isinstance(layer, left_out) else layer(*inputs, **arguments)

    # Some networks have their one input in a list.
    sources = keras.tree.map_structure(lambda _: source, network.input)
    clone = (lambda layer: layer) if shared else None
    copy = keras.models.clone_model(network, sources, clone_function=clone, call_function=call)
    if shared:
        return copy
    for layer in copy.layers:
        if layer.weights and layer.name != new:
            layer.set_weights(network.get_layer(layer.name).get_weights())
    return copy
