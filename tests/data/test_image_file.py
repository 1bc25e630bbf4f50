import io

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
