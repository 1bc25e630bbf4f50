import pytest
from PIL import ExifTags, Image

from kerasseg.data.exif import orientation
from kerasseg.data.headers import GREY, PALETTE, RGB, Stored, image_header, label_kind, stored
from tests.data.files import write_folder


def turn(path, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.new("RGB", (32, 24)).save(path, exif=exif)


@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (24, 32)), (3, (24, 32)), (6, (32, 24)), (77, (24, 32))]
)
def test_the_size_is_that_of_the_upright_image(tmp_path, orientation, size):
    turn(tmp_path / "image.jpg", orientation)
    header = image_header(tmp_path / "image.jpg")
    assert header.size == size
    assert header.orientation == (orientation if orientation < 9 else 1)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"II",
        b"no directory",
        b"II*\0",
        b"II*\0\xff\xff\xff\x7f",
        b"MM\0*\0\0\0\x08\0\x01\x01\x12",
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
    ],
)
def test_the_orientation_is_what_the_graph_reads(tmp_path, body):
    path = tmp_path / "image.jpg"
    Image.new("RGB", (32, 24)).save(path)
    segment = b"Exif\0\0" + body
    segment = b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment
    path.write_bytes(path.read_bytes()[:2] + segment + path.read_bytes()[2:])
    assert image_header(path).orientation == int(orientation(path.read_bytes()))


@pytest.mark.parametrize(
    ("mode", "kind"), [("L", (8, GREY)), ("1", (1, GREY)), ("RGB", (8, RGB)), ("I;16", (16, GREY))]
)
def test_depth_and_colours_of_a_label(tmp_path, mode, kind):
    Image.new(mode, (4, 3)).save(tmp_path / "label.png")
    assert label_kind(tmp_path / "label.png") == kind


def test_what_is_no_png_has_no_kind(tmp_path):
    (tmp_path / "label.png").write_bytes(b"GIF89a and much more than that")
    assert label_kind(tmp_path / "label.png") is None


def test_what_is_known_of_a_split(tmp_path):
    pairs = write_folder(tmp_path, [(24, 32)] * 3, suffix=".jpg")
    assert stored(pairs) == Stored(turned=False, labels=frozenset({(8, GREY)}), jpeg=True)
    turn(pairs[1].image, 8)
    picture = Image.new("P", (32, 24))
    picture.putpalette(range(256))
    picture.save(pairs[2].label)
    found = stored(pairs)
    assert found.turned
    assert found.jpeg
    assert (8, GREY) in found.labels
    assert PALETTE in {colour for _, colour in found.labels}


def test_one_image_that_is_no_jpeg(tmp_path):
    pairs = write_folder(tmp_path, [(24, 32)] * 2, suffix=".jpg")
    Image.new("RGB", (32, 24)).save(pairs[0].image, format="PNG")
    assert not stored(pairs).jpeg
