"""The network of a served model as one function, which all signatures call."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.protocol import Protocol, protocol_of
from kerasseg.evaluation.inference.views import Views
from kerasseg.models.outputs import gives_logits
from kerasseg.serving.freezing import frozen_function

_CHECK_SIZE = (40, 56)


class ServedNetwork:
    """What a model says of pixels, averaged over the views of a protocol.

    Traced once and called by all signatures, the network stands in the file once.

    Args:
        model: Pixels `(N, H, W, 3)` to logits or probabilities `(N, H, W, C)`.
        protocol: Its scales and its mirroring; it has no tiles.
        frozen: Whether the weights become constants of the graph.
    """

    def __init__(self, model: keras.Model, protocol: Protocol, frozen: bool) -> None:
        self.gives_logits = averaged_logits(model, protocol)
        self.num_classes = int(model.output_shape[-1])
        spec = tf.TensorSpec([None, None, None, 3], tf.float32, name="pixels")
        predict = averaged_outputs(model, protocol)
        function = tf.function(predict, autograph=False).get_concrete_function(spec)
        self._function: Any = frozen_function(function) if frozen else function

    def outputs(self, pixels: tf.Tensor) -> tf.Tensor:
        """Returns logits or probabilities, float32 `(N, H, W, C)`; nothing for no images."""
        sides = tf.shape(pixels)[:3]

        def nothing() -> tf.Tensor:
            return tf.zeros(tf.concat([sides, [self.num_classes]], axis=0))

        found = tf.cond(sides[0] == 0, nothing, lambda: self.some_outputs(pixels))
        return tf.ensure_shape(found, (None, None, None, self.num_classes))

    def some_outputs(self, pixels: tf.Tensor) -> tf.Tensor:
        """Returns what `outputs` does, of at least one image."""
        found = self._function(tf.cast(pixels, tf.float32))
        found = found[0] if isinstance(found, list | tuple) else found
        return tf.ensure_shape(found, (None, None, None, self.num_classes))

    def probabilities(self, outputs: tf.Tensor) -> tf.Tensor:
        """Returns the probabilities of what `outputs` returned."""
        return tf.nn.softmax(outputs) if self.gives_logits else outputs


def averaged_outputs(
    model: keras.Model, protocol: Protocol, *, unrolled: bool = False
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the function of pixels, float32, to what a model says of the views of a protocol.

    It is for graphs. `averaged_logits` says whether it gives logits or probabilities.

    Args:
        model: Pixels `(N, H, W, 3)` to logits or probabilities `(N, H, W, C)`.
        protocol: Its scales and its mirroring; it has no tiles.
        unrolled: Whether the graph has neither loops nor branches; it then holds the model once
            for each view.
    """
    views = Views(model, protocol)
    average = views.unrolled if unrolled else views.probabilities

    def predict(pixels: tf.Tensor) -> tf.Tensor:
        if protocol.sees_image_itself:
            return tf.cast(model(pixels, training=False), tf.float32)
        return average(pixels)

    return predict


def averaged_logits(model: keras.Model, protocol: Protocol) -> bool:
    """Whether `averaged_outputs` gives logits: several views are averaged as probabilities."""
    return gives_logits(model) and protocol.sees_image_itself


def graph_protocol(protocol: str | Protocol, *, bounds_images: bool = False) -> Protocol:
    """Returns a protocol that a graph can hold: views of whole images, with nothing behind them.

    Args:
        protocol: A name that `kerasseg.evaluation.protocol_of` knows, or a `Protocol`.
        bounds_images: Whether the export has a `max_pixels`, of which the message speaks.

    Raises:
        KerassegError: If there is no such name, or the protocol has tiles or a dense CRF.

    Example:
        >>> graph_protocol(Protocol(tile=512))
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: an exported model sees whole images; received a protocol \
with tiles of 512: leave them out.
    """
    found = protocol_of(protocol)
    if found.tile:
        bound = ", and bound the images by max_pixels (--max-pixels)" if bounds_images else ""
        raise KerassegError(
            f"an exported model sees whole images; received a protocol with tiles of {found.tile}: "
            f"leave them out{bound}."
        )
    if found.crf:
        raise KerassegError(
            "an exported model refines nothing, since no graph holds a dense CRF; received a "
            f"protocol with {found.crf}: leave it out (crf=None), and refine what the model "
            "answers, or predict with training.predict --crf."
        )
    return found


def check_servable(model: keras.Model) -> None:
    """Refuses a model that cannot be served.

    Raises:
        KerassegError: If it does not take images of all sizes, or does not give each pixel a
            score for every class; the message says what to do.
    """
    gives_logits(model)
    input_shape, output_shape = (
        getattr(model, side, None) for side in ("input_shape", "output_shape")
    )
    if input_shape != (None, None, None, 3):
        raise KerassegError(
            f"the model takes {input_shape}; served images come in all sizes and in RGB: build "
            "it with input_shape=(None, None, 3) and load its weights."
        )
    if not isinstance(output_shape, tuple) or len(output_shape) != 4:
        raise KerassegError(f"the model gives {output_shape}; one output (N, H, W, C) is wanted.")
    if output_shape[-1] < 2:
        raise KerassegError(
            "the model has one class, so every pixel would get it; give the background a class "
            "of its own (num_classes=2)."
        )
    height, width = _CHECK_SIZE
    size = tuple(model(tf.zeros((1, height, width, 3)), training=False).shape[1:3])
    if size != _CHECK_SIZE:
        raise KerassegError(
            f"an image of {height}x{width} pixels gets an output of {size[0]}x{size[1]}; a mask "
            "has the size of its image, so let the model end with a resize to its input."
        )
