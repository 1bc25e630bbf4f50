"""The signatures of the SavedModel, in operations that every TensorFlow server has."""

from collections.abc import Callable
from typing import TypeAlias

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.models.outputs import gives_logits

Tensors: TypeAlias = dict[str, tf.Tensor]

SIGNATURE_NAMES = ("serving_default", "pixels", "probabilities")
MOST_8_BIT_CLASSES = 255
_CHECK_SIZE = (40, 56)


class SegmentationSignatures:
    """What a segmentation model answers once it is served.

    - `serving_default`: `image_bytes` `[N]` string in; `mask_bytes` `[N]` string and `confidence`
      `[N]` float32 out.
    - `pixels`: `pixels` `[N, H, W, 3]` uint8 in; `mask` `[N, H, W]` uint8 or int32 and
      `confidence` `[N]` out.
    - `probabilities`: `pixels` in; `probabilities` `[N, H, W, C]` float32 out.

    `image_bytes` holds encoded images (JPEG, PNG, GIF of which the first frame counts, BMP, WebP)
    of any sizes; `mask_bytes` a PNG of class ids for each, at its own size, 8-bit up to 255
    classes and 16-bit above. `mask` is uint8 up to 255 classes and int32 above, since the REST
    interface of TensorFlow Serving cannot write uint16. `confidence` is the mean over an image's
    pixels of the largest probability, float32 in 0..1.

    `pixels` is uint8, a quarter of float32 on the wire; whoever sends values of 0..1 gets an
    error and not a wrong mask.

    Args:
        model: Takes RGB pixels 0..255, `(N, H, W, 3)` of any size; its last layer is named
            `"logits"` or `"probabilities"`, after what it gives, `(N, H, W, C)`.

    Attributes:
        num_classes: C.

    Raises:
        KerassegError: If the model is not of this kind.

    Example:
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> signatures = SegmentationSignatures(keras.Model(images, logits))
        >>> answer = signatures.pixels(tf.zeros((1, 40, 56, 3), tf.uint8))
        >>> answer["mask"].shape, answer["confidence"].shape
        (TensorShape([1, 40, 56]), TensorShape([1]))
    """

    def __init__(self, model: keras.Model) -> None:
        _check_shapes(model)
        self.num_classes = int(model.output_shape[-1])
        self._gives_logits = gives_logits(model)
        spec = tf.TensorSpec([None, None, None, 3], tf.float32, name="pixels")

        def predict(pixels: tf.Tensor) -> tf.Tensor:
            return tf.cast(model(pixels, training=False), tf.float32)

        # Traced once and called by all signatures, the network stands in the file once.
        self._predict = tf.function(predict, autograph=False).get_concrete_function(spec)

    @property
    def functions(self) -> dict[str, Callable[[tf.Tensor], Tensors]]:
        """The function of each signature; `input_spec` says what it takes."""
        return {
            "serving_default": self.serving_default,
            "pixels": self.pixels,
            "probabilities": self.probabilities,
        }

    @staticmethod
    def input_spec(name: str) -> tf.TensorSpec:
        """Returns shape, type and name of a signature's input."""
        if name == "serving_default":
            return tf.TensorSpec([None], tf.string, name="image_bytes")
        return tf.TensorSpec([None, None, None, 3], tf.uint8, name="pixels")

    def serving_default(self, image_bytes: tf.Tensor) -> Tensors:
        """Encoded images to PNG masks, each predicted at its own size."""
        text, number = tf.TensorSpec([], tf.string), tf.TensorSpec([], tf.float32)
        # One after the other: the network alone keeps every core busy, and the memory is that of
        # one image however many come.
        masks, confidence = tf.map_fn(
            self._mask_of_file,
            image_bytes,
            fn_output_signature=(text, number),
            parallel_iterations=1,
        )
        return {"mask_bytes": masks, "confidence": confidence}

    def pixels(self, pixels: tf.Tensor) -> Tensors:
        """Decoded images of one size to class ids."""
        mask, confidence = self._segment(pixels)
        dtype = tf.uint8 if self.num_classes <= MOST_8_BIT_CLASSES else tf.int32
        return {"mask": tf.cast(mask, dtype), "confidence": confidence}

    def probabilities(self, pixels: tf.Tensor) -> Tensors:
        """Decoded images of one size to the probabilities of all classes."""
        return {"probabilities": self._normalised(self._predict(tf.cast(pixels, tf.float32)))}

    def _mask_of_file(self, image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.io.decode_image(image_bytes, channels=3, expand_animations=False)
        mask, confidence = self._segment(image[None])
        dtype = tf.uint8 if self.num_classes <= MOST_8_BIT_CLASSES else tf.uint16
        return tf.io.encode_png(tf.cast(mask[0], dtype)[..., None]), confidence[0]

    def _segment(self, pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns class ids `(N, H, W)`, int32, and the confidence `(N,)`."""
        outputs = self._predict(tf.cast(pixels, tf.float32))
        largest = tf.reduce_max(self._normalised(outputs), axis=-1)
        return tf.argmax(outputs, axis=-1, output_type=tf.int32), tf.reduce_mean(largest, (1, 2))

    def _normalised(self, outputs: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(outputs) if self._gives_logits else outputs


def _check_shapes(model: keras.Model) -> None:
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
