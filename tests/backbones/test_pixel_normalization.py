import keras
import numpy as np
import pytest

from kerasseg.errors import KerassegError
from kerasseg.layers import PixelNormalization

PIXELS = np.random.default_rng(0).uniform(0, 255, (1, 4, 6, 3)).astype("float32")


@pytest.fixture(params=["mixed_bfloat16", "mixed_float16"])
def mixed_policy(request):
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


def lite() -> PixelNormalization:
    return PixelNormalization(mean=(127, 127, 127), std=(128, 128, 128))


def test_subtracts_and_divides_each_channel():
    layer = PixelNormalization(mean=(1, 2, 3), std=(2, 4, 8))
    np.testing.assert_allclose(layer(np.full((1, 1, 1, 3), 11.0)), [[[[5, 9 / 4, 1]]]])


def test_mean_is_in_the_order_of_the_reversed_channels():
    layer = PixelNormalization(mean=(3, 0, 0), std=(1, 1, 1), reverse_channels=True)
    np.testing.assert_allclose(layer(np.array([[[[10, 20, 30]]]])), [[[[27, 20, 10]]]])


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float64"])
def test_dtype_of_pixels_does_not_matter(dtype):
    whole = np.round(PIXELS)
    np.testing.assert_array_equal(lite()(whole.astype(dtype)), lite()(whole))


def test_computes_in_float32_and_returns_the_compute_dtype(mixed_policy):
    reference = PixelNormalization(mean=(127,) * 3, std=(128,) * 3, dtype="float32")(PIXELS)
    result = lite()(PIXELS)
    dtype = mixed_policy.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(result.dtype) == dtype
    np.testing.assert_array_equal(result, keras.ops.cast(reference, dtype))


def test_keeps_pixels_apart_that_bfloat16_would_round_together(mixed_policy):
    pixels = keras.Input((1, 1, 3))
    model = keras.Model(pixels, lite()(pixels))
    near = model(np.array([200.7, 201.0]).reshape(2, 1, 1, 1).repeat(3, axis=-1))
    assert float(near[0, 0, 0, 0]) != float(near[1, 0, 0, 0])


def test_comes_back_from_its_configuration():
    layer = PixelNormalization(mean=(1, 2, 3), std=(4, 5, 6), reverse_channels=True)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (copy.mean, copy.std, copy.reverse_channels) == ((1, 2, 3), (4, 5, 6), True)
    np.testing.assert_array_equal(copy(PIXELS), layer(PIXELS))


def test_keeps_the_shape():
    assert lite().compute_output_shape((None, None, 8, 3)) == (None, None, 8, 3)


def test_other_number_of_channels_is_refused():
    with pytest.raises(KerassegError, match=r"\(1, 4, 4, 1\) do not have the 3 channels"):
        lite()(np.zeros((1, 4, 4, 1)))


def test_mean_and_std_of_different_lengths_are_refused():
    with pytest.raises(KerassegError, match="mean has 3 values and std 1"):
        PixelNormalization(mean=(1, 2, 3), std=(1,))


def test_one_channel_is_not_broadcast_once_the_layer_is_built():
    layer = PixelNormalization(mean=(1, 2, 3), std=(4, 5, 6))
    layer.build((None, 4, 4, 3))
    with pytest.raises(KerassegError, match=r"\(1, 4, 4, 1\) do not have the 3 channels"):
        layer(np.zeros((1, 4, 4, 1), np.float32))
