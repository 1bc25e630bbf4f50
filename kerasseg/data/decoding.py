"""Encoded images and label maps to tensors, by TensorFlow's operations alone.

Images are JPEG (grey, RGB or CMYK), PNG, BMP or WebP; label maps are PNG. Both come upright: a
camera's orientation of the image turns the two alike.
"""

import zlib

import tensorflow as tf

from kerasseg.data.exif import orientation, upright
from kerasseg.data.headers import ANY_WAY, PALETTE, Stored
from kerasseg.data.label_encoding import CLASS_IDS, LabelEncoding

_NEIGHBOURS = 2
_WHOLE = 1 << 30  # longer than any file that can be decoded
# By how much the check sum of a PNG's header changes when the colour type 3 (palette) becomes 0
# (grey): a check sum is linear, so this depends on the place of the change alone.
_TO_GREY = zlib.crc32(bytes(13) + bytes([PALETTE]) + bytes(3)) ^ zlib.crc32(bytes(17))


def decode_image(contents: tf.Tensor, stored: Stored = ANY_WAY) -> tf.Tensor:
    """Returns the pixels of an encoded image, upright, uint8 `(H, W, 3)`; grey becomes three.

    Args:
        contents: A scalar string: JPEG, PNG, BMP or WebP.
        stored: What is known of the file.
    """
    pixels = _stored_pixels(contents)
    return upright(pixels, orientation(contents)) if stored.turned else pixels


def decode_window(
    contents: tf.Tensor, start: tf.Tensor, size: tf.Tensor, stored: Stored = ANY_WAY
) -> tf.Tensor:
    """Returns a part of the upright image, uint8 `(h, w, 3)`; of a JPEG only that is decoded.

    Args:
        contents: A scalar string: JPEG, PNG, BMP or WebP.
        start: First row and first column, int32 `(2,)`.
        size: Height and width, int32 `(2,)`; the window lies within the image.
        stored: What is known of the file.
    """
    start, size = tf.convert_to_tensor(start), tf.convert_to_tensor(size)
    if stored.jpeg and not stored.turned:
        return _jpeg_window(contents, start, size)
    direct = tf.io.is_jpeg(contents)
    if stored.turned:
        direct &= orientation(contents) == 1
    pixels = tf.cond(
        direct,
        lambda: _jpeg_window(contents, start, size),
        lambda: _cut(decode_image(contents, stored), start, size),
    )
    return tf.ensure_shape(pixels, (None, None, 3))


def _jpeg_window(contents: tf.Tensor, start: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    # Colours at half the resolution are interpolated: the outermost pixels need their neighbours.
    first = tf.maximum(start - _NEIGHBOURS, 0)
    last = tf.minimum(start + size + _NEIGHBOURS, tf.io.extract_jpeg_shape(contents)[:2])
    window = tf.concat([first, last - first], axis=0)
    pixels = tf.io.decode_and_crop_jpeg(contents, window, channels=3)
    return tf.ensure_shape(_cut(pixels, start - first, size), (None, None, 3))


def _cut(pixels: tf.Tensor, start: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    return tf.slice(pixels, tf.concat([start, [0]], 0), tf.concat([size, [3]], 0))


def decode_label(
    contents: tf.Tensor, encoding: LabelEncoding = CLASS_IDS, stored: Stored = ANY_WAY
) -> tf.Tensor:
    """Returns the class ids of an encoded label map as it is stored, `(H, W)`.

    Args:
        contents: A scalar string: a PNG.
        encoding: How it stores the classes.
        stored: What is known of the file.

    Returns:
        int32; uint8 where the file is known to hold the ids themselves in 8 bits or fewer.

    Raises:
        tf.errors.InvalidArgumentError: If the PNG has other channels than the encoding asks for.
    """
    if encoding.kind == "colours":
        colours = tf.io.decode_png(contents, channels=3)
        return encoding.class_ids(tf.cast(colours, tf.int32))
    return encoding.class_ids(_stored_numbers(contents, stored.labels))


def decode_pair(
    image: tf.Tensor,
    label: tf.Tensor,
    encoding: LabelEncoding = CLASS_IDS,
    stored: Stored = ANY_WAY,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the pixels, uint8 `(H, W, 3)`, and the class ids, int32 `(H, W)`, both upright.

    A label map of the size of the stored image is turned as the image is. One that fits the
    upright image alone was drawn on that, and stays as it is.

    Args:
        image: A scalar string, an encoded image.
        label: A scalar string, the encoded label map that belongs to it.
        encoding: How the label map stores the classes.
        stored: What is known of the files.
    """
    ids = tf.cast(label_of_image(image, label, encoding, stored), tf.int32)
    return decode_image(image, stored), ids


def label_of_image(
    image: tf.Tensor,
    label: tf.Tensor,
    encoding: LabelEncoding = CLASS_IDS,
    stored: Stored = ANY_WAY,
) -> tf.Tensor:
    """Returns what `decode_label` does, upright, without decoding the image.

    The arguments are those of `decode_pair`.
    """
    ids = tf.ensure_shape(decode_label(label, encoding, stored), (None, None))
    return turned_alike(ids, image) if stored.turned else ids


def turned_alike(ids: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns class ids `(H, W)` turned as an image is, if they are of the size of the stored one.

    Args:
        ids: As the label map stores them; any dtype, which is kept.
        image: A scalar string, the encoded image that they belong to.
    """
    turned = orientation(image)

    def alike() -> tf.Tensor:
        # Only a JPEG has an orientation other than 1.
        fits = tf.reduce_all(tf.shape(ids) == tf.io.extract_jpeg_shape(image)[:2])
        return tf.cond(fits, lambda: upright(ids, turned), lambda: ids)

    return tf.ensure_shape(tf.cond(turned == 1, lambda: ids, alike), (None, None))


def _stored_pixels(contents: tf.Tensor) -> tf.Tensor:
    image = tf.io.decode_image(contents, channels=3, expand_animations=False)
    return tf.ensure_shape(image, (None, None, 3))


def _stored_numbers(contents: tf.Tensor, kinds: frozenset[tuple[int, int]]) -> tf.Tensor:
    """Returns the grey values or palette indices of a PNG, `(H, W)`: uint8 or int32."""
    if kinds and all(colour == PALETTE for _, colour in kinds):
        contents = _palette_as_grey(contents)
    elif not kinds or any(colour == PALETTE for _, colour in kinds):
        is_palette = _part(contents, 25, 1) == bytes([PALETTE])
        contents = tf.cond(is_palette, lambda: _palette_as_grey(contents), lambda: contents)
    depths = {depth for depth, _ in kinds}
    values = _values(contents) if depths != {8} else tf.io.decode_png(contents)
    message = "a label map holds the class ids themselves: a PNG of one channel"
    with tf.control_dependencies([tf.debugging.assert_equal(tf.shape(values)[-1], 1, message)]):
        return tf.squeeze(tf.ensure_shape(values, (None, None, None)), axis=-1)


def _values(contents: tf.Tensor) -> tf.Tensor:
    """Returns the values of a PNG of any depth, int32 `(H, W, C)`."""
    depth = tf.reduce_sum(tf.cast(tf.io.decode_raw(_part(contents, 24, 1), tf.uint8), tf.int32))
    values = tf.cond(
        depth == 16,
        lambda: tf.cast(tf.io.decode_png(contents, dtype=tf.uint16), tf.int32),
        lambda: tf.cast(tf.io.decode_png(contents, dtype=tf.uint8), tf.int32),
    )
    # The decoder stretches 1, 2 and 4 bits to the range of 8.
    largest = tf.bitwise.left_shift(1, tf.clip_by_value(depth, 1, 8)) - 1
    return tf.cond(depth < 8, lambda: values * largest // 255, lambda: values)


def _palette_as_grey(contents: tf.Tensor) -> tf.Tensor:
    """Returns a palette PNG as a grey one whose values are the palette's indices.

    The decoder knows palettes by their colours alone, of which two may be the same. The pixels of
    the two kinds are stored alike, so that only the header has to be another.
    """
    old = tf.io.decode_raw(_part(contents, 29, 4), tf.uint8, fixed_length=4)
    change = tf.constant(list(_TO_GREY.to_bytes(4, "big")), tf.uint8)
    letters = tf.constant([bytes([value]) for value in range(256)])
    new = tf.gather(letters, tf.cast(tf.bitwise.bitwise_xor(old, change), tf.int32))
    pixels = _part(contents, _first_data_chunk(contents), _WHOLE)
    parts = [
        _part(contents, 0, 25),
        tf.constant(b"\x00"),
        _part(contents, 26, 3),
        tf.strings.reduce_join(new),
        pixels,
    ]
    return tf.strings.join(parts)


def _first_data_chunk(contents: tf.Tensor) -> tf.Tensor:
    """Returns where the first chunk of pixels of a PNG begins: what is before is the palette."""
    length = tf.strings.length(contents)

    def not_there(place: tf.Tensor) -> tf.Tensor:
        return (place + 12 < length) & (_part(contents, place + 4, 4) != b"IDAT")

    def following(place: tf.Tensor) -> tuple[tf.Tensor]:
        digits = tf.io.decode_raw(_part(contents, place, 4), tf.uint8, fixed_length=4)
        size = tf.reduce_sum(tf.cast(digits, tf.int32) * [1 << 24, 1 << 16, 1 << 8, 1])
        return (place + 12 + tf.clip_by_value(size, 0, length),)

    (place,) = tf.while_loop(not_there, following, (tf.constant(33),))
    return tf.minimum(place, length)


def _part(contents: tf.Tensor, place: int | tf.Tensor, length: int) -> tf.Tensor:
    """Returns bytes of a file, fewer or none where it has ended: a part beyond it is an error."""
    return tf.strings.substr(contents, tf.minimum(place, tf.strings.length(contents)), length)
