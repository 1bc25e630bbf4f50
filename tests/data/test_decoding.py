import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image, ImageOps

from kerasseg.data.decoding import decode_image, decode_label, decode_pair, decode_window
from kerasseg.data.exif import orientation
from kerasseg.data.headers import PALETTE, Stored
from kerasseg.data.label_encoding import LabelEncoding

GENERATOR = np.random.default_rng(5)
# Smooth, so that two decoders differ by little.
PHOTO = Image.fromarray(GENERATOR.integers(0, 256, (3, 5, 3), np.uint8)).resize((40, 24))


def both_ways(decode, *contents):
    """Decodes eagerly and inside `map`, and asserts that it is the same."""
    eager = [tensor.numpy() for tensor in tf.nest.flatten(decode(*map(tf.constant, contents)))]
    dataset = tf.data.Dataset.from_tensors(contents).map(lambda *files: decode(*files))
    for one, other in zip(eager, tf.nest.flatten(next(iter(dataset))), strict=True):
        assert np.array_equal(one, other)
    return eager[0] if len(eager) == 1 else eager


def encoded(picture, kind="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def turned_photo(value, **options):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "a camera"
    exif[ExifTags.Base.Orientation] = value
    return encoded(PHOTO, "JPEG", exif=exif, quality=95, **options)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_class_ids_are_read_as_they_are(dtype):
    ids = np.array([[0, 1, 2], [11, 254, 255]], dtype) * (1 if dtype is np.uint8 else 257)
    label = both_ways(decode_label, encoded(Image.fromarray(ids)))
    assert label.dtype == np.int32
    assert np.array_equal(label, ids)


def test_small_ids_in_sixteen_bits_are_read_as_they_are():
    ids = np.array([[0, 7, 255]], np.uint16)
    assert both_ways(decode_label, encoded(Image.fromarray(ids))).tolist() == [[0, 7, 255]]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_indices_of_a_palette_are_the_ids(bits):
    """Although two of its colours are the same, and further chunks lie before the pixels."""
    ids = GENERATOR.integers(0, 2**bits, (17, 29), np.uint8)
    picture = Image.fromarray(ids, "P")
    picture.putpalette(bytes(GENERATOR.integers(0, 2, 3 * 256, np.uint8)))
    contents = encoded(picture, bits=bits, transparency=bytes(2**bits), dpi=(72, 72))
    assert np.array_equal(both_ways(decode_label, contents), ids)
    known = Stored(labels=frozenset({(bits, PALETTE)}))
    assert np.array_equal(decode_label(contents, stored=known), ids)


def test_one_bit_of_grey_is_two_ids():
    ids = GENERATOR.integers(0, 2, (9, 13), np.uint8)
    contents = encoded(Image.fromarray(255 * ids).convert("1"))
    assert np.array_equal(both_ways(decode_label, contents), ids)


def test_eight_bits_that_are_known_stay_eight_bits():
    ids = GENERATOR.integers(0, 256, (9, 13), np.uint8)
    known = Stored(turned=False, labels=frozenset({(8, 0)}))
    label = decode_label(encoded(Image.fromarray(ids)), stored=known)
    assert label.dtype == tf.uint8
    assert np.array_equal(label, ids)


@pytest.mark.parametrize("mode", ["RGB", "LA", "RGBA"])
def test_a_coloured_label_map_never_becomes_ids(mode):
    with pytest.raises(tf.errors.InvalidArgumentError, match="the class ids themselves"):
        decode_label(encoded(Image.new(mode, (4, 3))))


def test_numbers_stand_for_ids():
    numbers = np.array([[0, 7, 8], [9, 33, 255]], np.uint8)
    encoding = LabelEncoding(ids={0: 255, 7: 0, 8: 1, 33: 18})
    label = both_ways(lambda file: decode_label(file, encoding), encoded(Image.fromarray(numbers)))
    assert label.tolist() == [[255, 0, 1], [-1, 18, -1]]


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA"])
def test_colours_stand_for_ids(mode):
    colours = [(0, 0, 0), (128, 0, 0), (0, 0, 128), (255, 255, 255)]
    encoding = LabelEncoding(colours=dict(zip(colours[:3], (255, 0, 1), strict=True)))
    drawn = GENERATOR.integers(0, 4, (11, 7))
    picture = Image.fromarray(np.array(colours, np.uint8)[drawn])
    picture = picture.quantize(4) if mode == "P" else picture.convert(mode)
    label = both_ways(lambda file: decode_label(file, encoding), encoded(picture))
    assert np.array_equal(label, np.array([255, 0, 1, -1])[drawn])


def test_many_colours_are_told_apart():
    colours = np.unique(GENERATOR.integers(0, 256, (256, 3)), axis=0)
    encoding = LabelEncoding(colours={tuple(map(int, c)): n for n, c in enumerate(colours)})
    picture = Image.fromarray(colours.astype(np.uint8)[np.newaxis])
    assert np.array_equal(decode_label(encoded(picture), encoding)[0], np.arange(len(colours)))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "I;16"])
def test_every_png_has_three_channels_of_eight_bits(mode):
    picture = Image.fromarray(np.full((4, 5), 514, np.uint16)) if "16" in mode else None
    image = both_ways(decode_image, encoded(picture or Image.new(mode, (5, 4))))
    assert image.shape == (4, 5, 3)
    assert image.dtype == np.uint8
    assert image.max() == (2 if picture else 0)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [(kind, mode) for kind in ("BMP", "WEBP", "JPEG") for mode in ("L", "RGB")]
    + [("JPEG", "CMYK")],
)
def test_every_format_is_read_as_pillow_reads_it(kind, mode):
    contents = encoded(PHOTO.convert(mode), kind)
    expected = np.asarray(Image.open(io.BytesIO(contents)).convert("RGB"), int)
    assert np.abs(both_ways(decode_image, contents) - expected).max() <= 12


def test_the_first_picture_of_several_in_a_jpeg_is_read():
    contents = encoded(PHOTO, "MPO", save_all=True, append_images=[PHOTO.rotate(180)], quality=95)
    with Image.open(io.BytesIO(contents)) as picture:
        assert (picture.format, picture.n_frames) == ("MPO", 2)
        expected = np.asarray(picture.convert("RGB"), int)
    assert np.abs(both_ways(decode_image, contents) - expected).max() <= 12


def test_sixteen_bits_of_rgb_become_their_upper_eight():
    values = GENERATOR.integers(0, 65536, (7, 9, 3)).astype(np.uint16)
    assert np.array_equal(both_ways(decode_image, tf.io.encode_png(values).numpy()), values >> 8)


@pytest.mark.parametrize("value", range(1, 9))
def test_image_and_label_are_turned_alike(value):
    ids = np.arange(24 * 40).reshape(24, 40).astype(np.uint16)
    photo = turned_photo(value)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(photo))), int)
    tag = Image.Exif()
    tag[ExifTags.Base.Orientation] = value
    stored_label = Image.fromarray(ids)
    stored_label.getexif().update(tag)
    expected_ids = np.asarray(ImageOps.exif_transpose(stored_label))
    image, label = both_ways(decode_pair, photo, encoded(Image.fromarray(ids)))
    assert np.abs(image - expected).max() <= 12
    assert np.array_equal(label, expected_ids)


def test_a_label_that_was_drawn_on_the_upright_image_stays():
    ids = np.arange(24 * 40).reshape(40, 24).astype(np.uint16)
    image, label = decode_pair(turned_photo(6), encoded(Image.fromarray(ids)))
    assert image.shape == (40, 24, 3)
    assert np.array_equal(label, ids)


@pytest.mark.parametrize("endian", [b"II", b"MM"])
def test_both_byte_orders_and_segments_before_exif(endian):
    order = "little" if endian == b"II" else "big"
    entry = b"".join(n.to_bytes(size, order) for n, size in ((0x112, 2), (3, 2), (1, 4), (8, 2)))
    header = endian + (42).to_bytes(2, order) + (8).to_bytes(4, order) + (1).to_bytes(2, order)
    body = b"Exif\0\0" + header + entry + bytes(6)
    segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    comment = b"\xff\xfe" + (2 + 300).to_bytes(2, "big") + bytes(300)
    plain = encoded(PHOTO, "JPEG")
    assert both_ways(orientation, plain) == 1
    assert both_ways(orientation, plain[:2] + comment + segment + plain[2:]) == 8


@pytest.mark.parametrize(
    "contents",
    [b"", b"\xff\xd8", b"\xff\xd8\xff\xe1\x00\x08Exif\x00\x00", b"\xff\xd8\xff\xe1" + b"\xff" * 9],
)
def test_a_broken_header_counts_as_upright(contents):
    assert both_ways(orientation, contents) == 1


@pytest.mark.parametrize(
    "contents",
    [
        turned_photo(1),
        turned_photo(6),
        pytest.param(turned_photo(1, subsampling=0), marks=pytest.mark.slow),
        pytest.param(encoded(PHOTO.convert("CMYK"), "JPEG"), marks=pytest.mark.slow),
        pytest.param(encoded(PHOTO.convert("L"), "JPEG"), marks=pytest.mark.slow),
        encoded(PHOTO),
    ],
    ids=["jpeg", "turned", "full_colours", "cmyk", "grey", "png"],
)
def test_a_window_is_a_part_of_the_whole(contents):
    whole = decode_image(contents).numpy()
    for start, size in (((0, 0), (1, 1)), ((5, 7), (13, 11)), ((3, 0), (21, 24))):
        part = both_ways(lambda file, s=start, n=size: decode_window(file, s, n), contents)
        rows, columns = (slice(a, a + n) for a, n in zip(start, size, strict=True))
        assert np.array_equal(part, whole[rows, columns])


@pytest.mark.parametrize("cut", [0, 10, 30, 60])
def test_a_label_that_is_cut_short_is_an_error(cut):
    picture = Image.new("P", (64, 64))
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_label(encoded(picture)[:cut])
