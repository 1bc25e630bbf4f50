"""The views of a batch of images, and the average of what a model says of them, as one graph."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.protocol import Protocol
from kerasseg.models.outputs import gives_logits


class Views:
    """A model under the scales and the mirroring of a protocol; what it says of tiles is left out.

    Its methods are made of TensorFlow's operations, to be called within a `tf.function`. However
    many views there are, the graph holds the model once, and one view at a time is in memory.

    Args:
        model: Pixels `(N, H, W, channels)` to logits or probabilities `(N, H, W, C)`; for more
            than `scores` of the image itself its last layer is named `"logits"` or
            `"probabilities"`. What has another size than the image is resized.
        protocol: The views.

    Raises:
        KerassegError: If the model has another kind of output, or no such name where it needs one.
    """

    def __init__(self, model: keras.Model, protocol: Protocol) -> None:
        shape = getattr(model, "output_shape", None)
        if not isinstance(shape, tuple) or len(shape) != 4:
            raise KerassegError(f"the model gives {shape}; one output (N, H, W, C) is wanted.")
        check_input(model, protocol)
        self.model = model
        self.protocol = protocol
        self.channels = int(shape[-1])
        # Of one channel it has to be known what half a probability is.
        self._plain = protocol.sees_image_itself and self.channels > 1
        if not self._plain:
            gives_logits(model)

    def scores(self, images: tf.Tensor) -> tf.Tensor:
        """Returns what is largest where the class is, float32 `(N, H, W, C)`.

        Args:
            images: `(N, H, W, channels)`, 0..255, of any dtype.
        """
        if self._plain:
            images = tf.cast(images, tf.float32)
            return self._sized_as(self._network(images), tf.shape(images)[1:3])
        return self.probabilities(images)

    def classes(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the class of every pixel, int32 `(N, H, W)`."""
        return self.largest(self.scores(images))

    def confident(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the class of every pixel, as `classes` does, and its probability, float32."""
        scores = self.scores(images)
        shares = self._normalised(scores) if self._plain else scores
        return self.largest(scores), confidence_of(shares)

    def largest(self, scores: tf.Tensor) -> tf.Tensor:
        """Returns the class with the largest score, int32 `(N, H, W)`.

        A single channel is the probability of class 1, which has to be above a half.
        """
        if self.channels == 1:
            return tf.cast(scores[..., 0] > 0.5, tf.int32)
        return tf.argmax(scores, axis=-1, output_type=tf.int32)

    def probabilities(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the probabilities averaged over the views, float32 `(N, H, W, C)`.

        Args:
            images: `(N, H, W, channels)`, 0..255, of any dtype.
        """
        images = tf.cast(images, tf.float32)
        size = tf.shape(images)[1:3]
        if self.protocol.sees_image_itself:
            return self._sized_as(self._normalised(self._network(images)), size)
        scales, flips = zip(*self.protocol.views, strict=True)
        ratios = [_ratio(scale) for scale in scales]

        def add(view: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            ratio, flipped = tf.constant(ratios)[view], tf.constant(flips)[view]
            mirrored = partial(_mirrored_if, flipped)
            return view + 1, total + self._view(images, ratio, self._sized_as, mirrored)

        shape = tf.concat([tf.shape(images)[:3], [self.channels]], axis=0)
        start = tf.constant(0), tf.zeros(shape, tf.float32)
        invariants = tf.TensorShape([]), tf.TensorShape([None, None, None, self.channels])
        _, total = tf.while_loop(
            lambda view, _: view < len(scales), add, start, invariants, parallel_iterations=1
        )
        return total / len(scales)

    def unrolled(self, images: tf.Tensor) -> tf.Tensor:
        """Returns what `probabilities` does, by a graph without loops and branches.

        It holds the model once for each view, and is for formats that have no loops or none that
        their converters bring over.

        Args:
            images: `(N, H, W, channels)`, 0..255, of any dtype.
        """
        images = tf.cast(images, tf.float32)
        found = [self._view_alone(images, *view) for view in self.protocol.views]
        return tf.add_n(found) / len(found) if len(found) > 1 else found[0]

    def _view_alone(self, images: tf.Tensor, scale: float, flipped: bool) -> tf.Tensor:
        mirrored = _mirrored if flipped else _unchanged
        if scale == 1 and self.protocol.multiple == 1:
            return self._view(images, None, _unchanged, mirrored)
        return self._view(images, _ratio(scale), tf.image.resize, mirrored)

    def _view(
        self,
        images: tf.Tensor,
        ratio: Any,
        sized: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
        mirrored: Callable[[tf.Tensor], tf.Tensor],
    ) -> tf.Tensor:
        """Returns the probabilities of a view at the size of the image.

        Args:
            images: `(N, H, W, channels)`, float32.
            ratio: The scale, as `_sides` takes it; None for a view of the image's own size.
            sized: Gives maps the height and width that it is told.
            mirrored: Gives maps as the view is seen, and back: mirrored or not.
        """
        size = tf.shape(images)[1:3]
        seen = sized(images, size if ratio is None else self._sides(size, ratio))
        found = self._normalised(self._network(mirrored(seen)))
        return sized(mirrored(found), size)

    def _sides(self, size: tf.Tensor, ratio: Any) -> tf.Tensor:
        """Returns the sides of a view, rounded to a multiple, ties to the even one.

        In whole numbers, so that every runtime comes to the same: not all of them have float64,
        and in float32 `0.3 * 95` is rounded another way than in float64.
        """
        multiple = self.protocol.multiple
        unit = 2 * ratio[1] * multiple
        doubled = 2 * ratio[0] * size + ratio[1] * multiple
        sides = doubled // unit
        is_odd_tie = (doubled % unit == 0) & (sides % 2 == 1)
        return tf.maximum(sides - tf.cast(is_odd_tie, tf.int32), 1) * multiple

    def _network(self, images: tf.Tensor) -> tf.Tensor:
        return tf.cast(self.model(images, training=False), tf.float32)

    def _normalised(self, outputs: tf.Tensor) -> tf.Tensor:
        if not gives_logits(self.model):
            return outputs
        return tf.nn.softmax(outputs) if self.channels > 1 else tf.sigmoid(outputs)

    @staticmethod
    def _sized_as(maps: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        same = tf.reduce_all(tf.shape(maps)[1:3] == size)
        resized = tf.cond(same, lambda: maps, lambda: tf.image.resize(maps, size))
        return tf.ensure_shape(resized, (None, None, None, maps.shape[-1]))


def confidence_of(probabilities: tf.Tensor) -> tf.Tensor:
    """Returns the probability of the likeliest class, `(N, H, W)`, of those `(N, H, W, C)`."""
    if probabilities.shape[-1] == 1:
        return tf.maximum(probabilities, 1 - probabilities)[..., 0]
    return tf.reduce_max(probabilities, axis=-1)


def _ratio(scale: float) -> tuple[int, int]:
    """Returns a scale as a fraction: its numerator times a side is to fit into 32 bits."""
    found = max(Fraction(scale).limit_denominator(1000), Fraction(1, 1000))
    return found.numerator, found.denominator


def _unchanged(maps: tf.Tensor, _: tf.Tensor | None = None) -> tf.Tensor:
    return maps


def _mirrored(maps: tf.Tensor) -> tf.Tensor:
    return maps[:, :, ::-1]


def _mirrored_if(flipped: tf.Tensor, maps: tf.Tensor) -> tf.Tensor:
    return tf.cond(flipped, lambda: tf.reverse(maps, [2]), lambda: maps)


def check_input(model: keras.Model, protocol: Protocol) -> None:
    """Refuses a model that does not take the views or tiles of a protocol.

    Raises:
        KerassegError: If it has not one input of images, or takes images of one size alone.
    """
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise KerassegError(f"the model takes {shape}; one input (N, H, W, channels) is wanted.")
    if shape[1:3] != (None, None) and (protocol.tile or not protocol.sees_image_itself):
        raise KerassegError(
            f"the model takes images of {shape[1]}x{shape[2]} alone, and scales and tiles have "
            "other sizes: build it with input_shape=(None, None, 3) and load its weights."
        )
