"""Images that are too large: refused by their headers, or after decoding; never the whole batch."""

import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf

from kerasseg.serving import SegmentationSignatures
from kerasseg.serving.headers import header_size
from kerasseg.serving.images import pixels_or_error
from tests.serving.examples import encoded, picture

FORMATS = {
    "PNG": {},
    "JPEG": {"quality": 95},
    "GIF": {"comment": b"x" * 700},
    "BMP": {},
    "WEBP": {},
    "WEBP lossless": {"lossless": True},
    "WEBP extended": {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"},
}


def size_of(contents):
    return header_size(tf.constant(contents)).numpy().tolist()


def error_of(contents, max_pixels):
    pixels, error = pixels_or_error(max_pixels)(tf.constant(contents))
    assert (error == b"") == (tf.size(pixels) > 0)
    return error.numpy().decode()


def png_of(height, width):
    """The header of a PNG without its pixels, which nothing can decode."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
def test_headers_tell_the_size(kind):
    file = encoded(picture(40, 300), kind.partition(" ")[0], **FORMATS[kind])
    assert size_of(file) == [40, 300]
    assert error_of(file, 40 * 300) == ""
    assert error_of(file, 40 * 300 - 1) == (
        "an image of 40x300 pixels: this model takes at most 11999 pixels an image; send it "
        "smaller."
    )


def test_a_bitmap_may_begin_with_its_topmost_row():
    file = bytearray(encoded(picture(40, 300), "BMP"))
    file[22:26] = struct.pack("<i", -40)
    assert size_of(bytes(file)) == [40, 300]


@pytest.mark.parametrize("file", [b"", b"text", b"GIF89a", b"RIFF", b"BM", b"\x89PNG\r\n\x1a\n"])
def test_what_has_no_header_tells_nothing(file):
    assert 0 in size_of(file)
    assert error_of(file, 100).startswith("cannot be decoded")


def test_a_bomb_is_refused_before_it_is_decoded():
    # Its pixels are not even there: had it been decoded, that would have been the complaint.
    assert error_of(png_of(60000, 60000), 10**6).startswith("an image of 60000x60000 pixels")
    assert error_of(png_of(60000, 60000), None).startswith("cannot be decoded")
    assert error_of(png_of(2**32 - 1, 2**32 - 1), 10**6).startswith("an image of")


def test_a_gif_whose_first_frame_is_larger_than_its_screen_is_refused():
    file = bytearray(encoded(picture(40, 300), "GIF"))
    file[6:10] = struct.pack("<HH", 1, 1)
    assert size_of(bytes(file)) == [40, 300]
    assert error_of(bytes(file), 100).startswith("an image of 40x300 pixels")


def test_a_gif_of_endless_extensions_is_refused():
    file = encoded(picture(40, 300), "GIF")
    place = file.index(b"\x2c", 13 + 3 * 2 ** ((file[10] & 7) + 1))

    def error(extensions):
        more = b"\x21\xfe\x01x\x00" * extensions
        return error_of(file[:place] + more + file[place:], None)

    assert error(1000) == ""
    assert error(3000).startswith("cannot be decoded")


def test_signatures_of_pixels_refuse_what_is_too_large_or_nothing(model):
    signatures = SegmentationSignatures(model, max_pixels=40 * 52)
    for name in ("pixels", "probabilities"):
        function = tf.function(signatures.functions[name])
        assert len(function(tf.constant(picture(40, 52)[None]))) > 0
        with pytest.raises(tf.errors.InvalidArgumentError, match="takes at most 2080 pixels"):
            function(tf.zeros((1, 41, 52, 3), tf.uint8))
        with pytest.raises(tf.errors.InvalidArgumentError, match="have no pixel"):
            function(tf.zeros((1, 0, 52, 3), tf.uint8))


def test_a_too_large_image_takes_no_other_with_it(model):
    signatures = SegmentationSignatures(model, max_pixels=40 * 52)
    files = [encoded(picture(41, 52)), encoded(picture(40, 52))]
    answer = signatures.serving_default(tf.constant(files))
    assert [len(mask) > 0 for mask in answer["mask_bytes"].numpy()] == [False, True]
    assert b"at most 2080 pixels" in answer["error"].numpy()[0]
    np.testing.assert_allclose(tf.reduce_sum(answer["class_shares"], -1), [0, 1])
