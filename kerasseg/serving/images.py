"""Encoded images decoded as the served model decodes them."""

import functools
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.serving.decoding import decode_file
from kerasseg.serving.headers import header_size

# A JPEG may go over its pixels as often as it likes, by a dozen bytes each time. Encoders write a
# dozen scans; what is appended to a photo, a film for example, has their mark in it by chance.
_MOST_SCANS, _BYTES_A_SCAN = 100, 1 << 14
_MOST_COUNTED = 5000
UNREADABLE = "cannot be decoded: send a whole JPEG, PNG, GIF, BMP or WebP file."
TOO_MANY_SCANS = "a JPEG of too many scans: save it anew, baseline or progressive."


def decoded(name: str, image: bytes) -> np.ndarray:
    """Returns the pixels of an encoded image, upright, uint8 `(H, W, 3)`; of a GIF the first frame.

    Args:
        name: What messages call it.
        image: A whole JPEG, PNG, GIF, BMP or WebP file.

    Raises:
        KerassegError: If it cannot be decoded.

    Example:
        >>> decoded("grey.png", tf.io.encode_png(tf.zeros((4, 6, 1), tf.uint8)).numpy()).shape
        (4, 6, 3)
    """
    try:
        return decode_file(tf.constant(image)).numpy()
    except tf.errors.InvalidArgumentError:
        raise KerassegError(
            f"{name} cannot be decoded: give a whole JPEG, PNG, GIF, BMP or WebP file, or leave "
            "it out."
        ) from None


def png(pixels: np.ndarray) -> bytes:
    """Returns pixels, uint8 `(H, W, 3)`, as a PNG file.

    Example:
        >>> decoded("black.png", png(np.zeros((4, 6, 3), np.uint8))).shape
        (4, 6, 3)
    """
    return tf.io.encode_png(pixels).numpy()


def fitting_size(height: int, width: int, max_pixels: int | None) -> tuple[int, int]:
    """Returns height and width, made smaller together where they are of more than `max_pixels`.

    Example:
        >>> fitting_size(300, 400, 30_000), fitting_size(300, 400, None), fitting_size(400, 3, 100)
        ((150, 200), (300, 400), (100, 1))
    """
    if max_pixels is None or height * width <= max_pixels:
        return height, width
    scale = math.sqrt(max_pixels / (height * width))
    # A side of one pixel cannot become smaller; then the other one gives way alone.
    low = max(1, int(height * scale))
    narrow = max(1, min(int(width * scale), max_pixels // low))
    return min(low, max_pixels // narrow), narrow


def fitting(name: str, image: bytes, max_pixels: int | None) -> bytes:
    """Returns an encoded image as it is, or smaller, as a PNG, if it has more than `max_pixels`.

    Args:
        name: What messages call it.
        image: A whole JPEG, PNG, GIF, BMP or WebP file.
        max_pixels: At least 1; None for any number, whereupon nothing is decoded.

    Raises:
        KerassegError: If it cannot be decoded.

    Example:
        >>> file = png(np.zeros((30, 40, 3), np.uint8))
        >>> fitting("a.png", file, 1200) is file, decoded("a", fitting("a.png", file, 300)).shape
        (True, (15, 20, 3))
    """
    if max_pixels is None:
        return image
    pixels = decoded(name, image)
    height, width = pixels.shape[:2]
    size = fitting_size(height, width, max_pixels)
    if size == (height, width):
        return image
    resized = tf.image.resize(pixels, size, tf.image.ResizeMethod.AREA)
    return png(tf.cast(tf.round(resized), tf.uint8).numpy())


@functools.cache
def pixels_or_error(max_pixels: int | None) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """Returns the function of an encoded image to its pixels and what is wrong with it.

    It is for graphs, traced once, and raises nothing. It takes a scalar string, and returns
    upright pixels, uint8 `(H, W, 3)`, `(0, 0, 3)` where there is an error; and the error, a scalar
    string, empty where there is none.

    Args:
        max_pixels: An image with more of them is refused, before it is decoded where its header
            tells, else after; None for any number.
    """
    most = tf.int64.max if max_pixels is None else max_pixels

    def read(contents: tf.Tensor, many_scans: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        told = header_size(contents)
        refused = (tf.reduce_prod(told) > most) | many_scans
        pixels = tf.cond(refused, _no_pixels, lambda: decode_file(contents))
        real = tf.shape(pixels, out_type=tf.int64)[:2]
        # What a header tells counts where nothing was decoded.
        return pixels, tf.where(tf.size(pixels) > 0, real, told)

    def checked(contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        many_scans = _has_too_many_scans(contents)
        pixels, size = _read_or_nothing((contents, many_scans), read)
        too_large = tf.reduce_prod(size) > most
        unreadable = tf.where(many_scans, TOO_MANY_SCANS, UNREADABLE)
        unreadable = tf.where(tf.size(pixels) > 0, "", unreadable)
        error = tf.where(too_large, _too_large(size, most), unreadable)
        return tf.cond(too_large, _no_pixels, lambda: pixels), error

    spec = tf.TensorSpec([], tf.string)
    return tf.function(checked, input_signature=[spec], autograph=False).get_concrete_function()


def _read_or_nothing(
    file: tuple[tf.Tensor, tf.Tensor],
    read: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
) -> tuple[tf.Tensor, tf.Tensor]:
    # An operation that fails takes the whole call with it, all images of the batch. Not so within
    # a data set that passes over what fails: then the next element is what stands for nothing.
    nothing = tf.data.Dataset.from_tensors((_no_pixels(), tf.zeros(2, tf.int64)))
    images = tf.data.Dataset.from_tensors(file).map(read).ignore_errors().concatenate(nothing)
    return images.take(1).get_single_element()


def _has_too_many_scans(contents: tf.Tensor) -> tf.Tensor:
    parts = tf.raw_ops.StringSplitV2(input=[contents], sep=b"\xff\xda", maxsplit=_MOST_COUNTED)
    most = _MOST_SCANS + tf.strings.length(contents) // _BYTES_A_SCAN
    many = tf.size(parts.values) > tf.minimum(most, _MOST_COUNTED)
    return tf.io.is_jpeg(contents) & many


def _no_pixels() -> tf.Tensor:
    return tf.zeros((0, 0, 3), tf.uint8)


def _too_large(size: tf.Tensor, most: int) -> tf.Tensor:
    height, width = tf.unstack(tf.strings.as_string(size))
    return tf.strings.join(
        [
            *("an image of ", height, "x", width, " pixels: this model takes at most "),
            f"{most} pixels an image; send it smaller.",
        ]
    )
