import io
import sys

import numpy as np
import pytest
from PIL import Image

from kerasseg.data.image_file import read_image
from kerasseg.errors import KerassegError, UnreadableError


def picture(*size):
    return np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp", ".tif"])
def test_every_format_gives_its_pixels(tmp_path, suffix):
    pixels, path = picture(20, 30, 3), tmp_path / f"image{suffix}"
    Image.fromarray(pixels).save(path, lossless=True)
    np.testing.assert_array_equal(read_image(path), pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_grey_becomes_three_channels_and_16_bits_their_upper_8(tmp_path, suffix):
    grey, path = picture(20, 30), tmp_path / f"image{suffix}"
    Image.fromarray(grey).save(path)
    np.testing.assert_array_equal(read_image(path), np.repeat(grey[..., None], 3, -1))
    Image.fromarray(grey.astype(np.uint16) * 257).save(path)
    np.testing.assert_array_equal(read_image(path), np.repeat(grey[..., None], 3, -1))


def write_wide(path, pixels, **options):
    """Writes a TIFF of 16 bits as GDAL does."""
    rasterio = pytest.importorskip("rasterio")
    height, width, count = pixels.shape
    size = {"height": height, "width": width, "count": count, "dtype": "uint16"}
    with rasterio.open(path, "w", driver="GTiff", **size, **options) as file:
        file.write(np.moveaxis(pixels.astype(np.uint16) * 256 + 200, -1, 0))


@pytest.mark.parametrize("said", [{}, {"photometric": "RGB"}])
@pytest.mark.parametrize("layout", ["pixel", "band"])
@pytest.mark.parametrize("packed", [{}, {"compress": "deflate", "tiled": True}])
@pytest.mark.parametrize("bands", [3, 4])
def test_colours_of_16_bits_become_their_upper_8(tmp_path, said, layout, packed, bands):
    """Whether the file says that they are colours, or stores them one behind the other, or not."""
    pixels, path = picture(32, 48, bands), tmp_path / "image.tif"
    alpha = {"alpha": "YES"} if bands == 4 else {}
    write_wide(path, pixels, interleave=layout, **said, **packed, **alpha)
    np.testing.assert_array_equal(read_image(path), pixels[..., :3])


@pytest.mark.parametrize("layout", ["pixel", "band"])
def test_other_bands_of_16_bits_are_named(tmp_path, layout):
    write_wide(tmp_path / "image.tif", picture(20, 30, 5), interleave=layout)
    with pytest.raises(
        KerassegError, match=r"tif has 5 bands of 16 bits; accepted is .*-b 1 -b 2 -b 3\.$"
    ):
        read_image(tmp_path / "image.tif")


def test_without_rasterio_it_is_said_what_reads_colours_of_16_bits(tmp_path, monkeypatch):
    write_wide(tmp_path / "image.tif", picture(20, 30, 3))
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(
        KerassegError, match=r"image.tif has colours of 16 bits .*kerasseg\[geotiff\].* gdal_trans"
    ):
        read_image(tmp_path / "image.tif")


def test_alpha_is_left_out(tmp_path):
    pixels = picture(20, 30, 4)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    np.testing.assert_array_equal(read_image(tmp_path / "image.png"), pixels[..., :3])


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_a_cameras_orientation_is_applied(tmp_path, suffix):
    path, exif = tmp_path / f"image{suffix}", Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16] = 255
    Image.fromarray(pixels).save(path, exif=exif, quality=100)
    seen = read_image(path)
    assert seen.shape == (32, 16, 3)
    assert seen[:15].min() > 250
    assert seen[17:].max() < 5


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_a_damaged_file_is_named(tmp_path, suffix):
    path, stream = tmp_path / f"image{suffix}", io.BytesIO()
    Image.fromarray(picture(40, 40, 3)).save(
        stream, {".jpg": "jpeg", ".tif": "tiff"}.get(suffix, "png")
    )
    path.write_bytes(stream.getvalue()[: len(stream.getvalue()) // 2])
    with pytest.raises(UnreadableError, match=rf"image{suffix}.* (corrupt|cut short|damaged)"):
        read_image(path)


def test_what_is_no_image_or_another_format_or_missing_is_said(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(KerassegError, match=r"text\.png is corrupt or no image"):
        read_image(tmp_path / "text.png")
    Image.fromarray(picture(8, 8, 3)).save(tmp_path / "image.gif")
    with pytest.raises(KerassegError, match=r"is GIF by its contents; accepted is JPEG, PNG"):
        read_image(tmp_path / "image.gif")
    with pytest.raises(KerassegError, match=r"gone\.png cannot be read: No such file"):
        read_image(tmp_path / "gone.png")
