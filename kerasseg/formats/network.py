"""The network that every format holds, as one function of pixels."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasseg.errors import unknown_name
from kerasseg.evaluation.inference.protocol import Protocol
from kerasseg.serving.network import (
    averaged_logits,
    averaged_outputs,
    check_servable,
    graph_protocol,
)
from kerasseg.serving.signatures import MOST_8_BIT_CLASSES
from kerasseg.serving.slimming import slim

OUTPUTS = ("probabilities", "mask")


class ExportedNetwork:
    """A copy of a model, as the SavedModel has it, in float32: pixels to probabilities or classes.

    Dropout is gone and batch norm folded; a model of mixed precision is rebuilt in float32. Called
    with pixels, uint8 `(N, H, W, 3)`, within a graph, it returns `probabilities`, float32
    `(N, H, W, C)`, or `mask`, uint8 `(N, H, W)` up to 255 classes and int32 above.

    Args:
        model: Takes RGB pixels 0..255 of any size; its last layer is named `"logits"` or
            `"probabilities"`.
        protocol: The scales and the mirroring over which probabilities are averaged in the graph;
            it has neither tiles nor a dense CRF.
        output: `"probabilities"` or `"mask"`.

    Attributes:
        model: The copy.
        folded: Names of the batch norms that are now in the conv before them.
        num_classes: C.

    Raises:
        KerassegError: If the model is of another kind, or an argument is out of its range.

    Example:
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> network = ExportedNetwork(keras.Model(images, logits), output="mask")
        >>> network(tf.zeros((1, 40, 56, 3), tf.uint8)).shape
        TensorShape([1, 40, 56])
    """

    def __init__(
        self, model: keras.Model, *, protocol: str | Protocol = "whole", output: str = OUTPUTS[0]
    ) -> None:
        if output not in OUTPUTS:
            raise unknown_name("output", output, OUTPUTS)
        check_servable(model)
        self.protocol = graph_protocol(protocol)
        self.output = output
        slimmed = slim(model, precision="float32")
        self.model, self.folded = slimmed.model, slimmed.folded
        self.num_classes = int(model.output_shape[-1])
        self._outputs = averaged_outputs(self.model, self.protocol, unrolled=True)
        self._gives_logits = averaged_logits(self.model, self.protocol)

    def __call__(self, pixels: tf.Tensor) -> tf.Tensor:
        """Returns the output of pixels, uint8 `(N, H, W, 3)`."""
        if self.output == "probabilities":
            return self.probabilities_of(pixels)
        mask = tf.argmax(self._scores(pixels), axis=-1, output_type=tf.int32)
        return tf.cast(mask, tf.uint8 if self.num_classes <= MOST_8_BIT_CLASSES else tf.int32)

    def probabilities_of(self, pixels: tf.Tensor) -> tf.Tensor:
        """Returns the probabilities, float32 `(N, H, W, C)`, whatever the output is."""
        return tf.nn.softmax(self._scores(pixels)) if self._gives_logits else self._scores(pixels)

    def _scores(self, pixels: tf.Tensor) -> tf.Tensor:
        """Returns what is largest where the class is: a mask can do without the softmax."""
        return self._outputs(tf.cast(pixels, tf.float32))

    def function(self) -> Any:
        """Returns the network as a concrete function of one graph, its weights constants."""
        spec = tf.TensorSpec([None, None, None, 3], tf.uint8, name="pixels")
        values = [(weight, weight.numpy()) for weight in self.float_weights]

        def call(pixels: tf.Tensor) -> dict[str, tf.Tensor]:
            constants = [(weight, tf.constant(value)) for weight, value in values]
            with keras.StatelessScope(state_mapping=constants):
                return {self.output: self(pixels)}

        return tf.function(call, input_signature=[spec], autograph=False).get_concrete_function()

    @property
    def float_weights(self) -> list[keras.Variable]:
        """The weights, without the seeds of generators, which nothing in inference reads."""
        return [weight for weight in self.model.variables if weight.dtype == "float32"]

    def weight_bytes(self) -> int:
        """Returns how much room the weights take."""
        return sum(4 * int(np.prod(weight.shape)) for weight in self.model.weights)
