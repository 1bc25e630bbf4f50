import numpy as np
import pytest

from kerasseg.errors import KerassegError
from kerasseg.serving.images import decoded, fitting, fitting_size
from tests.serving.examples import encoded, picture


@pytest.mark.parametrize("image_format", ["PNG", "GIF", "BMP"])
def test_pixels_are_those_of_the_file(image_format):
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[5:, 7:] = (250, 100, 0)
    np.testing.assert_array_equal(decoded("a", encoded(pixels, image_format)), pixels)


@pytest.mark.parametrize("size", [(48, 64), (1, 300), (400, 3), (3, 2), (1, 1), (5000, 7)])
@pytest.mark.parametrize("max_pixels", [1, 2, 7, 299, 2000, 10**6])
def test_a_fitting_size_is_within_the_bound_and_as_large_as_it_can_be(size, max_pixels):
    height, width = found = fitting_size(*size, max_pixels)
    assert height >= 1
    assert width >= 1
    assert height * width <= max_pixels
    if size[0] * size[1] <= max_pixels:
        assert found == size
    else:
        assert (height + 1) * (width + 1) > max_pixels


def test_an_image_that_fits_stays_as_it_is_and_another_keeps_its_look():
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:, 14:] = (250, 100, 0)
    file = encoded(pixels, "BMP")
    assert fitting("a", file, 600) is file
    assert fitting("a", b"not looked at", None) == b"not looked at"
    smaller = decoded("a", fitting("a", file, 599 // 4 + 1))
    np.testing.assert_array_equal(smaller, pixels[::2, ::2])
    with pytest.raises(KerassegError, match=r"torn\.png cannot be decoded"):
        fitting("torn.png", file[:50], 600)


@pytest.mark.parametrize("image", [encoded(picture(48, 64), "JPEG")[:200], b"text", b""])
def test_a_file_that_is_no_image_is_named(image):
    with pytest.raises(KerassegError) as error:
        decoded("street.jpg", image)
    assert str(error.value) == (
        "street.jpg cannot be decoded: give a whole JPEG, PNG, GIF, BMP or WebP file, or leave it "
        "out."
    )
