"""The signatures of the SavedModel, in operations that every TensorFlow server has."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from kerasseg.checks import is_count
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.evaluation.inference.protocol import Protocol
from kerasseg.label_set import Colour, default_palette
from kerasseg.serving.images import pixels_or_error
from kerasseg.serving.network import ServedNetwork, check_servable, graph_protocol

Tensors: TypeAlias = dict[str, tf.Tensor]

SIGNATURE_NAMES = ("serving_default", "pixels", "probabilities", "overlay")
DEFAULT_SIGNATURES = ("bytes", "pixels")
MAX_PIXELS = 4096 * 4096
MOST_8_BIT_CLASSES = 255
OVERLAY_OPACITY = 0.5
OVERLAY_QUALITY = 90
MOST_JPEG_SIDE = 65500  # libjpeg's own bound


class SegmentationSignatures:
    """What a segmentation model answers once it is served.

    - `serving_default`: `image_bytes` `[N]` string in; `mask_bytes` `[N]` string, `confidence`
      `[N]` float32, `class_shares` `[N, C]` float32 and `error` `[N]` string out.
    - `pixels`: `pixels` `[N, H, W, 3]` uint8 in; `mask` `[N, H, W]` uint8 or int32, `confidence`
      `[N]` and `class_shares` `[N, C]` out.
    - `probabilities`: `pixels` in; `probabilities` `[N, H, W, C]` float32 out.
    - `overlay`: `image_bytes` in; `overlay_bytes` `[N]` string and `error` `[N]` string out.

    `image_bytes` holds encoded images (JPEG, PNG, GIF of which the first frame counts, BMP, WebP)
    of any sizes; a JPEG is turned upright as its Exif data say. `mask_bytes` is a PNG of class ids
    for each, at its own size, 8-bit up to 255 classes and 16-bit above; `overlay_bytes` a JPEG of
    the image under the half transparent colours of its classes. `mask` is uint8 up to 255 classes
    and int32 above, since the REST interface of TensorFlow Serving cannot write uint16.
    `confidence` is the mean over an image's pixels of the largest probability, float32 in 0..1;
    `class_shares` the share of its pixels that each class has, which sum to 1.

    What cannot be decoded, or has more than `max_pixels`, answers for itself and takes no other
    image of its batch with it: `error` says what is wrong with it, its bytes are empty and its
    numbers 0. Where nothing is wrong, `error` is empty. Too large an image is not even decoded
    where its header tells its size. No images get no answers.

    `pixels` is uint8, a quarter of float32 on the wire; whoever sends values of 0..1 gets an
    error and not a wrong mask.

    Args:
        model: Takes RGB pixels 0..255, `(N, H, W, 3)` of any size; its last layer is named
            `"logits"` or `"probabilities"`, after what it gives, `(N, H, W, C)`.
        protocol: A name that `kerasseg.evaluation.protocol_of` knows, or a `Protocol`: over its
            scales and its mirroring probabilities are averaged, in the graph. It has neither
            tiles nor a dense CRF.
        palette: One RGB colour a class; None for `default_palette`.
        max_pixels: The largest image, height times width; None for any.
        default_signature: What `serving_default` takes: `"bytes"`, or `"pixels"`, whereupon
            images are taken by a further signature, `bytes`.
        frozen: Whether the weights become constants of the graph.

    Attributes:
        num_classes: C.
        kinds: By the name of each signature what it is: `"bytes"`, `"pixels"`,
            `"probabilities"` or `"overlay"`.

    Raises:
        KerassegError: If the model is not of this kind, or an argument is out of its range.

    Example:
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> signatures = SegmentationSignatures(keras.Model(images, logits))
        >>> answer = signatures.pixels(tf.zeros((1, 40, 56, 3), tf.uint8))
        >>> answer["mask"].shape, answer["confidence"].shape
        (TensorShape([1, 40, 56]), TensorShape([1]))
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        protocol: str | Protocol = "whole",
        palette: Sequence[Colour] | None = None,
        max_pixels: int | None = MAX_PIXELS,
        default_signature: str = "bytes",
        frozen: bool = False,
    ) -> None:
        check_servable(model)
        self.kinds = signature_kinds(default_signature)
        check_max_pixels(max_pixels)
        self.max_pixels = max_pixels
        self._read = pixels_or_error(self.max_pixels)
        self.protocol = graph_protocol(protocol, bounds_images=True)
        self._network = ServedNetwork(model, self.protocol, frozen)
        self.num_classes = self._network.num_classes
        self._palette = default_palette(self.num_classes) if palette is None else palette

    @property
    def functions(self) -> dict[str, Callable[[tf.Tensor], Tensors]]:
        """The function of each signature; `input_spec` says what it takes."""
        of_kind = {
            "bytes": self.serving_default,
            "pixels": self.pixels,
            "probabilities": self.probabilities,
            "overlay": self.overlay,
        }
        return {name: of_kind[kind] for name, kind in self.kinds.items()}

    def input_spec(self, name: str) -> tf.TensorSpec:
        """Returns shape, type and name of a signature's input."""
        if self.kinds[name] in ("bytes", "overlay"):
            return tf.TensorSpec([None], tf.string, name="image_bytes")
        return tf.TensorSpec([None, None, None, 3], tf.uint8, name="pixels")

    def serving_default(self, image_bytes: tf.Tensor) -> Tensors:
        """Encoded images to PNG masks, each predicted at its own size."""
        specs = {
            "mask_bytes": tf.TensorSpec([], tf.string),
            "confidence": tf.TensorSpec([], tf.float32),
            "class_shares": tf.TensorSpec([self.num_classes], tf.float32),
            "error": tf.TensorSpec([], tf.string),
        }
        return _for_each(self._mask_of_file, image_bytes, specs)

    def pixels(self, pixels: tf.Tensor) -> Tensors:
        """Decoded images of one size to class ids."""
        mask, confidence, shares = self._segment(self._network.outputs(self._checked(pixels)))
        dtype = tf.uint8 if self.num_classes <= MOST_8_BIT_CLASSES else tf.int32
        return {"mask": tf.cast(mask, dtype), "confidence": confidence, "class_shares": shares}

    def probabilities(self, pixels: tf.Tensor) -> Tensors:
        """Decoded images of one size to the probabilities of all classes."""
        outputs = self._network.outputs(self._checked(pixels))
        return {"probabilities": self._network.probabilities(outputs)}

    def overlay(self, image_bytes: tf.Tensor) -> Tensors:
        """Encoded images to JPEGs with the colours of their classes laid over them."""
        specs = {
            "overlay_bytes": tf.TensorSpec([], tf.string),
            "error": tf.TensorSpec([], tf.string),
        }
        return _for_each(self._overlay_of_file, image_bytes, specs)

    def _mask_of_file(self, image_bytes: tf.Tensor) -> Tensors:
        image, error = self._read(image_bytes)

        def answer() -> Tensors:
            mask, confidence, shares = self._segment(self._network.some_outputs(image[None]))
            dtype = tf.uint8 if self.num_classes <= MOST_8_BIT_CLASSES else tf.uint16
            return {
                "mask_bytes": tf.io.encode_png(tf.cast(mask[0], dtype)[..., None]),
                "confidence": confidence[0],
                "class_shares": shares[0],
            }

        def nothing() -> Tensors:
            shares = tf.zeros(self.num_classes)
            return {"mask_bytes": "", "confidence": tf.constant(0.0), "class_shares": shares}

        return {**tf.cond(error == "", answer, nothing), "error": error}

    def _overlay_of_file(self, image_bytes: tf.Tensor) -> Tensors:
        image, error = self._read(image_bytes)
        long = tf.reduce_max(tf.shape(image)) > MOST_JPEG_SIDE
        error = tf.where(long, f"a JPEG has at most {MOST_JPEG_SIDE} pixels a side.", error)

        def answer() -> tf.Tensor:
            mask = tf.argmax(self._network.some_outputs(image[None])[0], axis=-1)
            colours = tf.gather(tf.constant(self._palette, tf.float32), mask)
            pixels = tf.cast(image, tf.float32)
            mixed = tf.round(pixels + OVERLAY_OPACITY * (colours - pixels))
            return tf.io.encode_jpeg(tf.cast(mixed, tf.uint8), quality=OVERLAY_QUALITY)

        return {
            "overlay_bytes": tf.cond(error == "", answer, lambda: tf.constant("")),
            "error": error,
        }

    def _segment(self, outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns class ids `(N, H, W)`, int32, the confidence `(N,)` and the shares `(N, C)`."""
        mask = tf.argmax(outputs, axis=-1, output_type=tf.int32)
        largest = tf.reduce_max(self._network.probabilities(outputs), axis=-1)
        sides = tf.shape(mask)
        counts = tf.raw_ops.DenseBincount(
            input=tf.reshape(mask, [sides[0], sides[1] * sides[2]]),
            size=self.num_classes,
            weights=tf.zeros(0),
        )
        shares = counts / tf.cast(sides[1] * sides[2], tf.float32)
        return mask, tf.reduce_mean(largest, (1, 2)), shares

    def _checked(self, pixels: tf.Tensor) -> tf.Tensor:
        """Returns the pixels; refuses, in the graph, images with none of them or too many."""
        most = tf.constant(tf.int64.max if self.max_pixels is None else self.max_pixels, tf.int64)
        count = tf.reduce_prod(tf.cast(tf.shape(pixels)[1:3], tf.int64))
        few = f"this model takes at most {self.max_pixels} pixels an image; send it smaller"
        checks = [
            tf.debugging.assert_positive(count, "the images in pixels have no pixel"),
            tf.debugging.assert_less_equal(count, most, few),
        ]
        # They come first: the network's own error on such an image says nothing to a client.
        with tf.control_dependencies(checks):
            return tf.identity(pixels)


def signature_kinds(default_signature: str = "bytes") -> dict[str, str]:
    """Returns what each signature is by its name, `serving_default` first.

    Args:
        default_signature: `"bytes"` or `"pixels"`.

    Raises:
        KerassegError: If it is neither.

    Example:
        >>> signature_kinds()["serving_default"], signature_kinds("pixels")["bytes"]
        ('bytes', 'bytes')
    """
    if default_signature not in DEFAULT_SIGNATURES:
        raise unknown_name("default signature", default_signature, DEFAULT_SIGNATURES)
    names = SIGNATURE_NAMES[1:] if default_signature == "bytes" else ("bytes", *SIGNATURE_NAMES[1:])
    return {"serving_default": default_signature, **{name: name for name in names}}


def _for_each(
    answer: Callable[[tf.Tensor], Tensors], image_bytes: tf.Tensor, specs: dict[str, Any]
) -> Tensors:
    # One after the other: the network alone keeps every core busy, and the memory is that of
    # one image however many come.
    return tf.map_fn(answer, image_bytes, fn_output_signature=specs, parallel_iterations=1)


def check_max_pixels(max_pixels: int | None) -> None:
    """Raises a `KerassegError` unless `max_pixels` is a whole number of at least 1, or None."""
    if max_pixels is not None and not is_count(max_pixels):
        raise KerassegError(
            "max_pixels is a whole number of at least 1, or None for any size (--max-pixels any); "
            f"received {max_pixels!r}."
        )
