import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import ExifTags, Image

from kerasseg.data import check_pairs, read_pair
from kerasseg.data.doctor.examination import examine_pair
from kerasseg.data.headers import image_size
from kerasseg.data.label_encoding import LabelEncoding
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet
from tests.data.files import LABELS, write_folder

TURNED_BY_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


@pytest.fixture
def pairs(tmp_path):
    return write_folder(tmp_path, [(24, 32)] * 3, suffix=".jpg")


def refused(pairs, path, message):
    with pytest.raises(KerassegError, match=message) as caught:
        check_pairs(pairs, LABELS)
    assert str(path) in str(caught.value)
    assert str(caught.value).count("\n") <= 1


def save_label(pair, array, **options):
    Image.fromarray(array).save(pair.label, **options)


def test_good_files_pass_in_silence(pairs, capsys):
    check_pairs(pairs, LABELS)
    assert capsys.readouterr() == ("", "")


def test_the_progress_bar_can_be_forced(pairs, capsys):
    check_pairs(pairs, LABELS, progress=True)
    assert "checking the files" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
def test_every_accepted_format_passes(tmp_path, suffix):
    check_pairs(write_folder(tmp_path, [(24, 32)], suffix=suffix), LABELS)


def test_sixteen_bit_labels_pass(pairs):
    many = LabelSet(tuple(str(n) for n in range(300)), ignore_label=65535)
    save_label(pairs[0], np.full((24, 32), 299, np.uint16))
    save_label(pairs[1], np.full((24, 32), 65535, np.uint16))
    check_pairs(pairs[:2], many)
    with pytest.raises(
        KerassegError, match=r"holds the label 65535; accepted are the classes 0..2"
    ):
        check_pairs(pairs[1:2], LABELS)


@pytest.mark.parametrize("kept", [30, 0.5, -2])
def test_a_truncated_jpeg(pairs, kept):
    contents = pairs[1].image.read_bytes()
    end = int(kept * len(contents)) if isinstance(kept, float) else kept
    pairs[1].image.write_bytes(contents[:end])
    refused(pairs, pairs[1].image, "is corrupt or (cut short|no image). Restore it or remove it")


def test_a_file_that_is_no_image(pairs):
    pairs[0].image.write_text("a letter")
    refused(pairs, pairs[0].image, "is corrupt or no image")


def test_a_tiff_that_is_called_jpg(pairs):
    Image.new("RGB", (32, 24)).save(pairs[0].image, format="TIFF")
    refused(pairs, pairs[0].image, "is TIFF by its contents; accepted is JPEG, PNG, BMP or WebP")


@pytest.mark.parametrize(
    ("mode", "fault"), [("P", "a BMP with a palette"), ("1", "a BMP of 1 bit a pixel")]
)
def test_a_bmp_that_would_be_decoded_as_something_else(tmp_path, mode, fault):
    pairs = write_folder(tmp_path, [(24, 32)], suffix=".bmp")
    Image.open(pairs[0].image).convert(mode).save(pairs[0].image)
    refused(pairs, pairs[0].image, f"is {fault}; of BMP, grey of 8 bits and RGB of 24 .* to PNG")


@pytest.mark.parametrize(("bits", "fault"), [(16, "16 bits a pixel"), (4, "with a palette")])
def test_other_depths_of_bmp(tmp_path, bits, fault):
    pairs = write_folder(tmp_path, [(2, 4)], suffix=".bmp")
    palette = bytes(range(64)) if bits == 4 else b""
    start = 54 + len(palette)
    header = struct.pack("<2sIHHI", b"BM", start + 16, 0, 0, start)
    header += struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, bits, 0, 16, 0, 0, len(palette) // 4, 0)
    pairs[0].image.write_bytes(header + palette + bytes(16))
    refused(pairs, pairs[0].image, f"is a BMP .*{fault}; of BMP, grey of 8 bits")


def test_an_image_of_too_many_pixels(pairs, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 24 * 32 // 2 - 1)
    refused(pairs, pairs[0].image, "has more than 766 pixels, which are not decoded at once. Cut")


def test_a_truncated_label(pairs):
    pairs[2].label.write_bytes(pairs[2].label.read_bytes()[:-20])
    refused(pairs, pairs[2].label, "is corrupt or cut short")


def test_sizes_that_differ_are_both_named(pairs):
    save_label(pairs[0], np.zeros((24, 31), np.uint8))
    refused(pairs, pairs[0].image, "is 32x24 .width x height. and its label .*000.png 31x24")


def test_a_value_that_is_neither_class_nor_void(pairs):
    save_label(pairs[1], np.array([[0, 7], [3, 255]], np.uint8).repeat(12, 0).repeat(16, 1))
    refused(pairs, pairs[1].label, "holds the label 3, 7; accepted are the classes 0..2 and 255")


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_label_holds_the_ids_of_its_palette(pairs, bits):
    ids = (np.arange(24 * 32).reshape(24, 32) % 2).astype(np.uint8)
    picture = Image.fromarray(ids, "P")
    picture.putpalette([9, 9, 9] * 2)
    picture.save(pairs[0].label, bits=bits)
    check_pairs(pairs, LABELS)
    picture = Image.new("P", (32, 24), 3)
    picture.putpalette([9, 9, 9] * 4)
    picture.save(pairs[0].label)
    refused(pairs, pairs[0].label, "holds the label 3; accepted are the classes 0..2 and 255")


def test_a_colour_that_stands_for_no_class(pairs):
    encoding = LabelEncoding(colours={(0, 0, 0): 0, (255, 0, 0): 1})
    coloured = [replace(pair, encoding=encoding) for pair in pairs[:1]]
    array = np.zeros((24, 32, 3), np.uint8)
    save_label(coloured[0], array)
    check_pairs(coloured, LABELS)
    array[3, 5:7] = 1, 2, 3
    save_label(coloured[0], array)
    refused(
        coloured,
        coloured[0].label,
        r"holds 2 pixels of colours .*; first \(1, 2, 3\) at row 3, column 5. Add",
    )


def test_an_rgb_label(pairs):
    save_label(pairs[0], np.zeros((24, 32, 3), np.uint8))
    refused(pairs, pairs[0].label, "is an RGB PNG; the class ids themselves are meant")


@pytest.mark.parametrize(
    ("mode", "found"),
    [("LA", "a grey and alpha PNG"), ("RGB", "an RGB PNG"), ("RGBA", "an RGB and alpha PNG")],
)
def test_a_label_of_several_channels_is_named_as_the_doctor_does(pairs, mode, found):
    Image.new(mode, (32, 24)).save(pairs[0].label)
    refused(pairs, pairs[0].label, f"is {found};")
    kind = examine_pair(pairs[0]).label.kind
    assert kind == f"PNG, {found.split(' ', 1)[1].removesuffix(' PNG')} of 8 bits"


def test_a_label_of_one_bit_holds_two_classes(pairs):
    Image.new("1", (32, 24), 1).save(pairs[0].label)
    check_pairs(pairs, LABELS)


def test_a_jpeg_that_is_called_png(pairs):
    Image.new("L", (32, 24)).save(pairs[0].label, format="JPEG")
    refused(pairs, pairs[0].label, "is no PNG by its contents")


def test_a_photo_that_its_camera_turned_passes(pairs):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (32, 24)).save(pairs[0].image, exif=exif)
    check_pairs(pairs, LABELS)
    save_label(pairs[0], np.zeros((32, 24), np.uint8))
    check_pairs(pairs, LABELS)
    save_label(pairs[0], np.zeros((32, 32), np.uint8))
    refused(pairs, pairs[0].image, "is 24x32 .width x height. and its label .*000.png 32x32")


def test_a_png_that_exif_rotates(tmp_path):
    pairs = write_folder(tmp_path, [(24, 32)])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (32, 24)).save(pairs[0].image, exif=exif)
    refused(pairs, pairs[0].image, "a PNG rotated by its EXIF data .orientation 6.*Rotate the")


def test_an_orientation_that_xmp_alone_gives_is_none(pairs):
    """As in the graph; Pillow's reader of EXIF data would take it."""
    Image.new("RGB", (32, 24)).save(pairs[0].image, xmp=TURNED_BY_XMP)
    assert Image.open(pairs[0].image).getexif()[ExifTags.Base.Orientation] == 6
    assert image_size(pairs[0].image) == (24, 32)
    check_pairs(pairs, LABELS)
    assert read_pair(pairs[0])[0].shape == (24, 32, 3)


def test_the_first_bad_file_is_named_and_the_others_counted(pairs):
    for pair in pairs[1:]:
        save_label(pair, np.full((24, 32), 9, np.uint8))
    refused(pairs, pairs[1].label, r"\(and 1 more\)\n")


def test_how_many_names_are_given_and_which_values_there_are(pairs):
    """The first bad file alone does not tell the length that the list should have."""
    for pair, values in zip(pairs, ((0, 255), (1, 3), (2, 4)), strict=True):
        save_label(pair, np.resize(np.array(values, np.uint8), (24, 32)))
    message = (
        r"holds the label 3; .* \(and 1 more\)\n3 class names are given, and all label maps "
        r"together hold 5 values beside void, 0\.\.4\.$"
    )
    refused(pairs, pairs[1].label, message)


def test_names_that_never_occur_are_said(pairs, capsys):
    more = LabelSet((*LABELS.class_names, "bird", "fish"))
    assert check_pairs(pairs, more) == pairs
    assert capsys.readouterr().err == "no label map of these 3 pairs holds: bird, fish\n"
    check_pairs(pairs, LabelSet((*LABELS.class_names, *map(str, range(20)))))
    assert capsys.readouterr().err.endswith(
        "holds: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ... (20 in all)\n"
    )


@pytest.fixture
def hundred(tmp_path):
    return write_folder(tmp_path / "hundred", [(8, 8)] * 100)


def test_one_percent_may_be_skipped_and_is_listed(hundred, capsys):
    hundred[42].label.write_bytes(b"")
    assert check_pairs(hundred, LABELS, on_error="skip") == hundred[:42] + hundred[43:]
    said = capsys.readouterr().err
    first, second = said.splitlines()
    assert first == "skipped 1 of 100 (1.0 %):"
    assert second.startswith(f"  {hundred[42].label} is corrupt or cut short")


@pytest.mark.parametrize("spoil", ["missing", "cut short"])
def test_more_is_refused(hundred, spoil):
    for pair in hundred[7:9]:
        if spoil == "missing":
            pair.image.unlink()
        else:
            pair.image.write_bytes(pair.image.read_bytes()[:50])
    with pytest.raises(KerassegError, match=r"2 of 100 .* 1 % at most. The first: .*007.png "):
        check_pairs(hundred, LABELS, on_error="skip")


def test_what_can_be_decoded_and_is_wrong_is_never_skipped(hundred):
    save_label(hundred[3], np.full((8, 8), 9, np.uint8))
    with pytest.raises(KerassegError, match=r"003.png holds the label 9"):
        check_pairs(hundred, LABELS, on_error="skip")


def test_an_unknown_way_to_treat_errors(hundred):
    with pytest.raises(KerassegError, match="unknown on_error 'skp': did you mean 'skip'"):
        check_pairs(hundred[:1], LABELS, on_error="skp")
