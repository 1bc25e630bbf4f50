"""Images that are large, and those that are too large."""

import io
import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from kerasseg.data.doctor.contents import read_contents
from kerasseg.data.headers import image_size
from kerasseg.data.image_file import read_image
from kerasseg.data.picture_file import Silence
from kerasseg.data.tiff import label_values, stored_tiff
from kerasseg.errors import KerassegError, UnreadableError
from tests.data.files import write_folder

HEIGHT, WIDTH = 24, 32


@pytest.fixture
def save(tmp_path):
    def save(suffix):
        Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / f"field{suffix}")
        return tmp_path / f"field{suffix}"

    return save


@pytest.fixture
def limit(monkeypatch):
    """Sets how many pixels an image may have."""
    return lambda pixels: monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pixels // 2)


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_a_large_image_is_read_without_a_word(save, limit, suffix):
    limit(HEIGHT * WIDTH)
    assert read_image(save(suffix)).shape == (HEIGHT, WIDTH, 3)
    assert image_size(save(suffix)) == (HEIGHT, WIDTH)


@pytest.mark.parametrize("read", [read_image, label_values, stored_tiff])
def test_a_tiff_that_is_too_large_is_named_with_its_size_and_what_to_do(save, limit, read):
    limit(HEIGHT * WIDTH - 2)
    with pytest.raises(
        UnreadableError,
        match=r"field\.tif has 32 x 24 pixels, and at most 766 are read at once\. training\."
        r"predict reads it with --by-windows --tile 1024; for anything else cut it",
    ):
        read(save(".tif"))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_others_that_are_too_large_are_to_become_tiff(save, limit, suffix):
    limit(HEIGHT * WIDTH - 2)
    with pytest.raises(
        KerassegError,
        match=r"has more than 766 pixels, .*: store it as TIFF, as by gdal_translate, which "
        r"training\.predict reads with --by-windows --tile 1024\.",
    ):
        read_image(save(suffix))


def test_the_doctor_says_it_too(tmp_path, save, limit):
    (pair,) = write_folder(tmp_path, [(HEIGHT, WIDTH)])
    pair = replace(pair, image=save(".tif"))
    limit(HEIGHT * WIDTH - 2)
    (fault,) = read_contents(pair, pair).faults
    assert fault.kind == "corrupt-image"
    assert fault.detail == "has 32 x 24 pixels, and at most 766 are read at once"


def test_one_thread_does_not_end_the_silence_of_another(limit):
    limit(HEIGHT * WIDTH)
    stream, silence = io.BytesIO(), Silence()
    Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).save(stream, "png")
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        before = warnings.filters[:]
        silence.__enter__()
        silence.__enter__()
        silence.__exit__()
        Image.open(stream)
        silence.__exit__()
        assert warnings.filters == before
        with pytest.raises(Image.DecompressionBombWarning):
            Image.open(stream)
