"""Which classes lie near a pixel, by morphological dilation of all classes at once."""

import tensorflow as tf

_WORD = 32


def class_bits(classes: tf.Tensor, chosen: tf.Tensor, num_classes: int) -> tf.Tensor:
    """Returns one bit a class, set where a chosen pixel is of it.

    One map a class would be 32 times as large, and dilating it as slow.

    Args:
        classes: int32 `(N, H, W)`.
        chosen: bool `(N, H, W)`; no bit is set for the other pixels.
        num_classes: C.

    Returns:
        int32 `(N, H, W, ceil(C / 32))`.

    Example:
        >>> classes, chosen = tf.constant([[[0, 1, 3]]]), tf.constant([[[True, False, True]]])
        >>> class_bits(classes, chosen, 4).numpy().ravel().tolist()
        [1, 0, 8]
    """
    bit = tf.bitwise.left_shift(tf.ones_like(classes), classes % _WORD)
    words = tf.range(-(-num_classes // _WORD))
    here = tf.logical_and(chosen[..., None], tf.equal((classes // _WORD)[..., None], words))
    return tf.where(here, bit[..., None], 0)


def dilated(bits: tf.Tensor, radius: int | tf.Tensor, outside: int = 0) -> tf.Tensor:
    """Returns each pixel's bits joined with those of all pixels at most `radius` from it.

    The distance is the larger of those along rows and columns. The time grows with the logarithm of
    the radius: a window of 2n pixels is joined from two of n.

    Args:
        bits: int32 `(N, H, W, words)`.
        radius: Pixels, at least 0; a number or an int32 scalar.
        outside: The bits of what lies outside the image.
    """
    for axis in (1, 2):
        length = tf.shape(bits)[axis]
        padding = [[0, 0] if each != axis else [radius, radius] for each in range(4)]
        joined = _joined(tf.pad(bits, padding, constant_values=outside), 2 * radius + 1, axis)
        # After `_joined` a window begins at its place, no longer `radius` before it.
        bits = joined[:, :length] if axis == 1 else joined[:, :, :length]
    return bits


def dilated_by_disk(bits: tf.Tensor, radius: float | tf.Tensor) -> tf.Tensor:
    """Returns each pixel's bits joined with those of all pixels at most `radius` from it.

    The distance is Euclid's. The time grows with the radius, since a disk is joined of its rows.

    Args:
        bits: int32 `(N, H, W, words)`.
        radius: Pixels, at least 0; a number or a float64 scalar.
    """
    radius = tf.convert_to_tensor(radius, tf.float64)
    reach = tf.cast(tf.floor(radius), tf.int32)
    rows, columns = tf.shape(bits)[1], tf.shape(bits)[2]
    padding = tf.stack([0, reach, reach, 0])
    wide = tf.pad(bits, tf.stack([padding, padding], axis=1))

    def is_row(offset: tf.Tensor, disks: tf.Tensor) -> tf.Tensor:
        return offset <= reach

    def with_rows(offset: tf.Tensor, disks: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        half_squared = tf.square(radius) - tf.square(tf.cast(offset, tf.float64))
        half = tf.cast(tf.floor(tf.sqrt(half_squared)), tf.int32)
        # Rolled back by `half`, a window no longer begins at its place but has it in the middle.
        row = _joined(wide, 2 * half + 1, 2)
        for shift in (offset, -offset):
            disks = tf.bitwise.bitwise_or(disks, tf.roll(row, (shift, half), (1, 2)))
        return offset + 1, disks

    start = (tf.constant(0), tf.zeros_like(wide))
    _, disks = tf.while_loop(is_row, with_rows, start)
    return disks[:, reach : reach + rows, reach : reach + columns]


def diagonal(maps: tf.Tensor) -> tf.Tensor:
    """Returns the diagonal of maps `(N, H, W)` in pixels, a float64 scalar."""
    sides = tf.cast(tf.shape(maps)[1:], tf.float64)
    return tf.sqrt(tf.reduce_sum(tf.square(sides)))


def _joined(bits: tf.Tensor, width: int | tf.Tensor, axis: int) -> tf.Tensor:
    """Returns at each place the bits of the `width` places from there on, which wrap around."""

    def with_later(windows: tf.Tensor, offset: tf.Tensor) -> tf.Tensor:
        return tf.bitwise.bitwise_or(windows, tf.roll(windows, -offset, axis))

    def fits_twice(length: tf.Tensor, windows: tf.Tensor) -> tf.Tensor:
        return 2 * length <= width

    def doubled(length: tf.Tensor, windows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return 2 * length, with_later(windows, length)

    length, windows = tf.while_loop(fits_twice, doubled, (tf.constant(1), bits))
    return with_later(windows, width - length)


def near_other_class(
    classes: tf.Tensor,
    valid: tf.Tensor,
    num_classes: int,
    radius: int | tf.Tensor,
    at_image_edge: bool,
) -> tf.Tensor:
    """Returns where a valid pixel of another class lies at most `radius` from a valid pixel.

    Void is no other class, neither is it in the way: two classes on both sides of a strip of void
    see each other across it, while a class beside nothing but void has no contour there.

    Args:
        classes: int32 `(N, H, W)`.
        valid: bool `(N, H, W)`.
        num_classes: C.
        radius: Pixels, at least 1.
        at_image_edge: Whether what lies outside the image counts as another class.

    Returns:
        bool `(N, H, W)`.
    """
    own = class_bits(classes, valid, num_classes)
    near = dilated(own, radius, outside=-1 if at_image_edge else 0)
    others = tf.bitwise.bitwise_and(near, tf.bitwise.invert(own))
    return tf.logical_and(valid, tf.reduce_any(tf.not_equal(others, 0), axis=-1))
