import struct

import numpy as np
import pytest
from PIL import Image

from kerasseg.data import (
    LabelEncoding,
    check_pairs,
    evaluation_batches,
    find_pairs,
    load_folder,
    read_pair,
    training_batches,
)
from kerasseg.data.tiff import image_pixels
from kerasseg.data.tiff_errors import TiffError, UnreadableTiffError
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet
from tests.data.files import LABELS, write_folder

GENERATOR = np.random.default_rng(2)
IDS = GENERATOR.integers(0, 3, (24, 40)).astype(np.uint8)
RGB = GENERATOR.integers(0, 256, (24, 40, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASSEG_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path):
    for kind in ("images", "labels"):
        (tmp_path / "train" / kind).mkdir(parents=True)
    Image.fromarray(IDS).save(tmp_path / "train" / "labels" / "one.png")
    return tmp_path


def save(folder, picture, name="images/one.tif", **options):
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    picture.save(folder / "train" / name, **options)


def read(folder):
    (pair,) = find_pairs(folder, "train")
    check_pairs([pair], LABELS)
    return read_pair(pair)


def refused(folder, message):
    with pytest.raises(KerassegError, match=message) as caught:
        check_pairs(find_pairs(folder, "train"), LABELS)
    assert str(folder / "train" / "images" / "one.tif") in str(caught.value)


PICTURES = {
    "RGB": (RGB, RGB),
    "grey": (RGB[..., 0], RGB[..., :1].repeat(3, 2)),
    "16 bits": (RGB[..., 0].astype(np.uint16) * 256 + 200, RGB[..., :1].repeat(3, 2)),
    "alpha": (np.dstack([RGB, IDS]), RGB),
    "1 bit": (Image.fromarray(IDS * 127).convert("1"), None),
    "palette": (Image.fromarray(RGB).quantize(40), None),
    "CMYK": (Image.fromarray(RGB).convert("CMYK"), None),
    "YCbCr": (Image.fromarray(RGB).convert("YCbCr"), None),
    "16 bits, the higher byte first": (
        Image.frombytes(
            "I;16B", (40, 24), (RGB[..., 0].astype(int) * 256 + 200).astype(">u2").tobytes()
        ),
        RGB[..., :1].repeat(3, 2),
    ),
}


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("suffix", [".tif", ".TIFF"])
def test_images_are_read_as_they_are(folder, kind, suffix):
    picture, expected = PICTURES[kind]
    save(folder, picture, f"images/one{suffix}", format="TIFF")
    image, label = read(folder)
    if expected is None:
        expected = np.asarray(picture.convert("RGB"))
    assert np.array_equal(image, expected)
    assert np.array_equal(label, IDS)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_images_are_read(folder, compression):
    save(folder, RGB, compression=compression)
    assert np.array_equal(read(folder)[0], RGB)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_images_in_a_tiff_compressed_as_jpeg_are_read(folder, mode):
    smooth = Image.fromarray(RGB[:3, :5]).resize((40, 24)).convert(mode)
    save(folder, smooth, compression="jpeg", quality=95)
    assert np.abs(read(folder)[0].astype(int) - np.asarray(smooth.convert("RGB"))).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_image_and_label_are_turned_alike(folder, orientation):
    """As the same image in a JPEG would be."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    smooth = Image.fromarray(RGB[:3, :5]).resize((40, 24))
    smooth.save(folder / "train" / "images" / "one.jpg", quality=95, exif=exif)
    expected_image, expected_label = read(folder)
    (folder / "train" / "images" / "one.jpg").unlink()
    save(folder, smooth, tiffinfo={0x0112: orientation})
    image, label = read(folder)
    assert np.abs(image.astype(int) - expected_image).max() < 20
    assert np.array_equal(label, expected_label)


def test_a_label_that_was_drawn_on_the_upright_image_stays(folder):
    save(folder, RGB, tiffinfo={0x0112: 6})
    Image.fromarray(IDS.T).save(folder / "train" / "labels" / "one.png")
    assert np.array_equal(read(folder)[1], IDS.T)


def test_labels_in_colours_are_turned_too(folder):
    save(folder, RGB, tiffinfo={0x0112: 3})
    colours = np.array([[0, 0, 0], [200, 0, 0], [0, 200, 0]], np.uint8)
    Image.fromarray(colours[IDS]).save(folder / "train" / "labels" / "one.png")
    table = {tuple(map(int, colour)): number for number, colour in enumerate(colours)}
    (pair,) = find_pairs(folder, "train", LabelEncoding(colours=table))
    assert np.array_equal(read_pair(pair)[1], IDS[::-1, ::-1])


@pytest.mark.parametrize("encoding", [LabelEncoding(), LabelEncoding(colours={(0, 0, 0): 0})])
def test_a_damaged_label_of_an_image_that_is_turned_is_named(folder, encoding):
    save(folder, RGB, tiffinfo={0x0112: 3})
    path = folder / "train" / "labels" / "one.png"
    path.write_bytes(path.read_bytes()[:-20])
    pairs = find_pairs(folder, "train", encoding)
    with pytest.raises(KerassegError, match=r"labels/one.png cannot be read as a label map in"):
        check_pairs(pairs, LABELS)
    assert pairs[0].problem.unreadable


def test_colours_in_a_label_of_an_image_that_is_turned_are_refused_in_any_case(folder):
    save(folder, RGB, tiffinfo={0x0112: 3})
    Image.fromarray(RGB).save(folder / "train" / "labels" / "one.png")
    with pytest.raises(KerassegError, match=r"labels/one.png cannot be read as a label map in ids"):
        find_pairs(folder, "train")


def test_one_label_is_turned_for_each_way_to_read_it(folder):
    """A palette has indices for ids, and colours for colours: the one is no cache of the other."""
    save(folder, RGB, tiffinfo={0x0112: 3})
    picture = Image.fromarray(IDS, "P")
    picture.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
    picture.save(folder / "train" / "labels" / "one.png")
    colours = LabelEncoding(colours={(0, 0, 0): 0, (200, 0, 0): 1, (0, 200, 0): 2})
    for encoding in (LabelEncoding(), colours, LabelEncoding()):
        (pair,) = find_pairs(folder, "train", encoding)
        assert np.array_equal(read_pair(pair)[1], IDS[::-1, ::-1])


def test_a_label_is_turned_anew_for_an_image_of_another_size(folder):
    save(folder, RGB, tiffinfo={0x0112: 6})
    assert read(folder)[1].shape == (40, 24)
    save(folder, RGB.transpose(1, 0, 2), tiffinfo={0x0112: 6})
    (pair,) = find_pairs(folder, "train")
    assert np.array_equal(read_pair(pair)[1], IDS)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_labels_may_be_tiff_as_well(folder, dtype):
    values = IDS.astype(dtype) * (1 if dtype is np.uint8 else 300)
    save(folder, RGB)
    save(folder, values, "labels/one.tif")
    (folder / "train" / "labels" / "one.png").unlink()
    (pair,) = find_pairs(folder, "train")
    check_pairs([pair], LabelSet(tuple(str(n) for n in range(700)), ignore_label=65535))
    assert np.array_equal(read_pair(pair)[1], values)


def test_a_palette_in_a_label_holds_ids(folder):
    picture = Image.fromarray(IDS, "P")
    picture.putpalette([9, 9, 9] * 256)
    save(folder, RGB)
    save(folder, picture, "labels/one.tif")
    (folder / "train" / "labels" / "one.png").unlink()
    assert np.array_equal(read(folder)[1], IDS)


def raw_tiff(bands: int, bits: int, extra: int | None) -> bytes:
    """Returns an uncompressed little-endian RGB TIFF of 4x2 pixels, all of them zero."""
    entries = [(256, 4, 4), (257, 4, 2), (259, 3, 1), (262, 3, 2), (277, 3, bands), (278, 4, 2)]
    size = 4 * 2 * bands * bits // 8
    after = 8 + 2 + 12 * (len(entries) + 3 + (extra is not None)) + 4
    extras = bands - 3
    entries += [(258, 3, after, bands), (273, 4, after + 2 * bands + 2 * extras), (279, 4, size)]
    if extra is not None:
        # One or two values of two bytes stand in the entry itself.
        entries.append((338, 3, extra if extras < 3 else after + 2 * bands, extras))
    body = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    for tag, kind, value, *count in sorted(entries):
        body += struct.pack("<HHII", tag, kind, count[0] if count else 1, value)
    body += struct.pack("<I", 0) + struct.pack("<H", bits) * bands
    return body + struct.pack("<H", extra or 0) * extras + bytes(size)


def test_sixteen_bits_of_rgb_are_read(folder):
    (folder / "train" / "images" / "one.tif").write_bytes(raw_tiff(3, 16, None))
    Image.fromarray(IDS[:2, :4]).save(folder / "train" / "labels" / "one.png")
    assert read(folder)[0].tolist() == np.zeros((2, 4, 3)).tolist()


@pytest.mark.parametrize("layout", ["pixel", "band"])
def test_images_of_16_bits_as_gdal_writes_them_are_read(folder, layout):
    rasterio = pytest.importorskip("rasterio")
    size = {"height": 24, "width": 40, "count": 3, "dtype": "uint16", "interleave": layout}
    path = folder / "train" / "images" / "one.tif"
    with rasterio.open(path, "w", driver="GTiff", **size) as file:
        file.write(np.moveaxis(RGB.astype(np.uint16) * 256 + 200, -1, 0))
    image, label = read(folder)
    assert np.array_equal(image, RGB)
    assert np.array_equal(label, IDS)


def test_bands_of_16_bits_are_no_label(folder):
    rasterio = pytest.importorskip("rasterio")
    save(folder, RGB)
    (folder / "train" / "labels" / "one.png").unlink()
    size = {"height": 24, "width": 40, "count": 3, "dtype": "uint16", "interleave": "band"}
    path = folder / "train" / "labels" / "one.tif"
    with rasterio.open(path, "w", driver="GTiff", photometric="RGB", **size) as file:
        file.write(np.zeros((3, 24, 40), np.uint16))
    with pytest.raises(KerassegError, match=r"labels/one.tif has 3 bands of 16 bits; accepted is"):
        check_pairs(find_pairs(folder, "train"), LABELS)


def test_other_numbers_of_bits_are_refused(folder):
    save(folder, RGB[..., 0].astype(np.float32))
    refused(folder, r"holds values of 32 bits \(F\); accepted is grey or RGB of 8 or 16 bits, or a")
    save(folder, RGB[..., 0].astype(np.int32))
    refused(folder, r"holds values of 32 bits \(I\)")


@pytest.mark.parametrize(("bands", "extra"), [(4, 0), (5, 0), (6, 0)])
def test_more_bands_are_refused(folder, bands, extra):
    (folder / "train" / "images" / "one.tif").write_bytes(raw_tiff(bands, 8, extra))
    refused(folder, f"has {bands} bands; accepted is .*Write the bands that are meant")


def test_two_bands_are_refused(folder):
    contents = bytearray(raw_tiff(3, 8, None))
    contents[contents.index(struct.pack("<HHII", 277, 3, 1, 3)) + 8] = 2
    (folder / "train" / "images" / "one.tif").write_bytes(contents)
    refused(folder, "2 bands of 8 bits.*accepted is grey or RGB of 8 or 16 bits")


def test_several_pictures_are_refused(folder):
    pages = [Image.fromarray(RGB), Image.fromarray(RGB)]
    save(folder, pages[0], save_all=True, append_images=pages[1:])
    refused(folder, "holds 2 pictures; save the one that is meant as a file of its own")


@pytest.mark.filterwarnings("ignore:.*(Corrupt EXIF|Truncated)")
@pytest.mark.parametrize("kept", [0, 40, -20])
def test_a_damaged_file_is_named(folder, kept):
    save(folder, RGB, compression="tiff_lzw")
    path = folder / "train" / "images" / "one.tif"
    path.write_bytes(path.read_bytes()[:kept])
    refused(folder, "cannot be read as a TIFF .*: accepted is .*restore it if it is damaged")


def test_a_jpeg_that_is_called_tif(folder):
    save(folder, RGB, format="JPEG")
    refused(folder, r"cannot be read as a TIFF \(JPEG by its contents\)")


def test_an_error_says_of_which_kind_it_is(folder):
    path = folder / "train" / "images" / "one.tif"

    def kind():
        with pytest.raises(TiffError) as caught:
            image_pixels(path)
        assert caught.value.path == path
        is_format = caught.value.kind == "format"
        assert isinstance(caught.value, UnreadableTiffError) != is_format
        return caught.value.kind

    assert kind() == "unreadable"  # there is no such file
    save(folder, RGB[..., 0].astype(np.float32))
    assert kind() == "format"
    save(folder, RGB, format="JPEG")
    assert kind() == "format"
    path.write_bytes(b"a letter")
    assert kind() == "corrupt"


@pytest.fixture
def hundred(tmp_path):
    return write_folder(tmp_path / "hundred", [(8, 8)] * 100, suffix=".tif")


@pytest.mark.slow
def test_one_damaged_tiff_of_a_hundred_may_be_skipped(hundred, tmp_path, capsys):
    damaged = tmp_path / "hundred" / "train" / "images" / "042.tif"
    damaged.write_bytes(damaged.read_bytes()[:-40])
    loaded = load_folder(tmp_path / "hundred", "train", LABELS, on_error="skip")
    assert len(loaded) == len(list(loaded)) == 99
    said = capsys.readouterr().err
    assert f"skipped 1 of 100 (1.0 %):\n  {damaged} cannot be read as a TIFF" in said
    with pytest.raises(KerassegError, match=r"042.tif cannot be read as a TIFF"):
        load_folder(tmp_path / "hundred", "train", LABELS)


def test_what_could_not_be_converted_is_named_by_all_that_reads_it(hundred, tmp_path):
    damaged = tmp_path / "hundred" / "train" / "images" / "042.tif"
    damaged.write_bytes(damaged.read_bytes()[:-40])
    pairs = find_pairs(tmp_path / "hundred", "train")
    options = {"batch_size": 2, "crop_size": (8, 8)}
    for use in (
        lambda: read_pair(pairs[42]),
        lambda: training_batches(pairs, LABELS, cache="none", **options),
        lambda: training_batches(pairs, LABELS, cache="memory", **options),
        lambda: evaluation_batches(pairs, LABELS, batch_size=2),
    ):
        with pytest.raises(KerassegError, match=r"042.tif cannot be read as a TIFF"):
            use()
