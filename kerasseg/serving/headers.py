"""The size of an encoded image by its header, in the graph, before anything is decoded.

Formats: PNG (ISO/IEC 15948, IHDR), GIF89a, Windows bitmap (BITMAPINFOHEADER), WebP (RFC 9649); of
a JPEG TensorFlow reads the header itself.
"""

import tensorflow as tf

from kerasseg.serving.file_bytes import begins, number, values
from kerasseg.serving.gif import gif_size

PNG, GIF, BMP, RIFF, WEBP = b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"RIFF", b"WEBP"
_HEAD = 32  # bytes: within them every format but JPEG and GIF says all
_BITS_14 = 0x3FFF


def header_size(contents: tf.Tensor) -> tf.Tensor:
    """Returns height and width as a header tells them, int64 `(2,)`; zeros where it tells nothing.

    Args:
        contents: A scalar string: JPEG, PNG, GIF, BMP or WebP, or anything else.

    Raises:
        tf.errors.InvalidArgumentError: If it begins as a JPEG and has no whole JPEG header.

    Example:
        >>> header_size(tf.io.encode_png(tf.zeros((4, 6, 3), tf.uint8))).numpy().tolist()
        [4, 6]
    """
    head = values(contents, 0, _HEAD)
    sizes = [
        (
            begins(head, PNG),
            _sides(number(head, 20, 4, big=True), number(head, 16, 4, big=True)),
        ),
        (begins(head, BMP), _bmp_size(head)),
        (begins(head, RIFF) & begins(head, WEBP, 8), _webp_size(head)),
    ]
    size = tf.zeros(2, tf.int64)
    for is_format, told in sizes:
        size = tf.where(is_format, told, size)
    size = tf.cond(begins(head, GIF), lambda: gif_size(contents), lambda: size)
    size = tf.cond(tf.io.is_jpeg(contents), lambda: _jpeg_size(contents), lambda: size)
    return tf.minimum(size, tf.int32.max)  # the product of two sides must fit


def _jpeg_size(contents: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.io.extract_jpeg_shape(contents)[:2], tf.int64)


def _bmp_size(head: tf.Tensor) -> tf.Tensor:
    # A negative height says that the topmost row comes first.
    height = number(head, 22, 4)
    return _sides(tf.minimum(height, 2**32 - height), number(head, 18, 4))


def _webp_size(head: tf.Tensor) -> tf.Tensor:
    lossy = _sides(number(head, 28, 2) & _BITS_14, number(head, 26, 2) & _BITS_14)
    packed = number(head, 21, 4)
    lossless = _sides((packed // 2**14) & _BITS_14, packed & _BITS_14) + 1
    extended = _sides(number(head, 27, 3), number(head, 24, 3)) + 1
    other = tf.where(begins(head, b"VP8L", 12), lossless, extended)
    return tf.where(begins(head, b"VP8 ", 12), lossy, other)


def _sides(height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    return tf.stack([height, width])
