import numpy as np
import pytest

from kerasseg.errors import KerassegError
from kerasseg.serving.images import decoded
from tests.serving.examples import encoded, picture


@pytest.mark.parametrize("image_format", ["PNG", "GIF", "BMP"])
def test_pixels_are_those_of_the_file(image_format):
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[5:, 7:] = (250, 100, 0)
    np.testing.assert_array_equal(decoded("a", encoded(pixels, image_format)), pixels)


@pytest.mark.parametrize("image", [encoded(picture(48, 64), "JPEG")[:200], b"text", b""])
def test_a_file_that_is_no_image_is_named(image):
    with pytest.raises(KerassegError) as error:
        decoded("street.jpg", image)
    assert str(error.value) == (
        "street.jpg cannot be decoded: give a whole JPEG, PNG, GIF, BMP or WebP file, or leave it "
        "out."
    )
