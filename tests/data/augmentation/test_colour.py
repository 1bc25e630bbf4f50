import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasseg.data.augmentation.colour import random_blur, random_colour, random_jpeg
from tests.data.augmentation.examples import both_ways, example, photo, quick, seeds

LUMA = np.array([0.299, 0.587, 0.114])


@quick
@given(seeds, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_colours_stay_within_their_range(seed, brightness, contrast, saturation):
    image = random_colour(example((16, 16))[0], seed, brightness, contrast, saturation).numpy()
    assert image.dtype == np.float32
    assert 0 <= image.min() <= image.max() <= 255


def test_no_change_of_colour_is_none():
    image = example((16, 16))[0]
    assert np.array_equal(random_colour(image, (0, 0)), image)


def test_each_change_of_colour_does_what_it_is_called():
    image = np.random.default_rng(0).uniform(90, 160, (16, 16, 3)).astype(np.float32)
    brighter = random_colour(image, (0, 2), brightness=0.2).numpy() - image
    assert np.ptp(brighter) < 1e-3
    assert 1 < abs(brighter.mean()) <= 51
    contrasted = random_colour(image, (0, 2), contrast=0.4).numpy()
    assert abs((contrasted - image).mean()) < 1e-2
    assert 0.01 < abs(contrasted.std() / image.std() - 1) <= 0.4
    saturated = random_colour(image, (0, 2), saturation=0.8).numpy()
    luma = np.array([0.299, 0.587, 0.114])
    assert np.abs(saturated @ luma - image @ luma).max() < 0.5
    assert 0.01 < abs(np.ptp(saturated, axis=-1).mean() / np.ptp(image, axis=-1).mean() - 1) <= 0.8


def test_another_hue_has_the_same_luma_and_the_distance_from_grey():
    image = photo((16, 16)) / 4 + 96
    turned = random_colour(image, (0, 3), hue=0.5).numpy()
    assert np.abs(turned - image).max() > 5
    assert np.abs(turned @ LUMA - image @ LUMA).max() < 0.01
    grey = np.full((4, 4, 3), 77, np.float32)
    assert np.abs(random_colour(grey, (0, 3), hue=0.5) - grey).max() < 0.01


def test_hue_0_is_no_turn_and_a_half_is_half_a_turn():
    image = photo((16, 16)) / 4 + 96
    assert np.array_equal(random_colour(image, (0, 3), hue=0), image)
    nearly_half = [
        random_colour(image, (0, seed), hue=0.5).numpy() - (image @ LUMA)[..., None]
        for seed in range(60)
    ]
    away = image - (image @ LUMA)[..., None]
    # Somebody among sixty draws comes near the opposite colour.
    assert min(np.abs(opposite + away).max() for opposite in nearly_half) < 0.2 * np.abs(away).max()


def test_colour_is_the_same_inside_map():
    changes = {"brightness": 0.2, "contrast": 0.3, "saturation": 0.5, "hue": 0.2}
    both_ways(lambda *image: random_colour(*image, **changes), photo((40, 50)), levels=1)


@pytest.mark.parametrize("size", [(40, 50), (5, 4), (1, 1)])
@pytest.mark.parametrize(("change", "limits"), [(random_blur, (0.5, 3.0)), (random_jpeg, (10, 90))])
def test_blur_and_jpeg_noise_are_the_same_inside_map_and_at_any_size(change, limits, size):
    for changed in both_ways(lambda *image: change(*image, 0.7, limits), photo(size), levels=1):
        assert changed.shape == (*size, 3)
        assert changed.dtype == np.float32


def test_blur_takes_fine_detail_and_leaves_the_mean_and_the_edges():
    noise = np.random.default_rng(0).uniform(0, 255, (64, 64, 3)).astype(np.float32)
    little = random_blur(noise, (0, 1), 1.0, (0.5, 0.5)).numpy()
    much = random_blur(noise, (0, 1), 1.0, (3.0, 3.0)).numpy()
    assert noise.std() > 1.5 * little.std() > 4 * much.std()
    assert abs(much.mean() - noise.mean()) < 3
    flat = np.full((20, 20, 3), 200, np.float32)
    assert np.abs(random_blur(flat, (0, 1), 1.0, (2.0, 2.0)) - flat).max() < 1e-2


def test_blur_of_a_point_is_a_gaussian():
    image = np.zeros((31, 31, 3), np.float32)
    image[15, 15] = 1000
    blurred = random_blur(image, (0, 1), 1.0, (2.0, 2.0)).numpy()[..., 0]
    rows, columns = np.indices((31, 31)) - 15
    gaussian = np.exp(-(rows**2 + columns**2) / 8)
    assert np.abs(blurred / blurred.max() - gaussian).max() < 0.02


def test_a_lower_quality_has_more_noise():
    image = photo((64, 64)) + np.random.default_rng(1).normal(0, 10, (64, 64, 3))
    error = [
        np.abs(random_jpeg(image, (0, 1), 1.0, (quality, quality)) - image).mean()
        for quality in (5, 40, 100)
    ]
    assert error[0] > error[1] > error[2]


@pytest.mark.parametrize(("change", "limits"), [(random_blur, (1.0, 2.0)), (random_jpeg, (10, 20))])
def test_a_probability_is_the_share_of_the_images_that_are_changed(change, limits):
    image = np.round(photo((16, 16)))
    changed = sum(not np.array_equal(change(image, (0, n), 0.3, limits), image) for n in range(200))
    assert 35 < changed < 85
    assert np.array_equal(change(image, (0, 1), 0.0, limits), image)


def test_values_are_drawn_between_their_limits():
    image = np.round(photo((16, 16)))
    assert (
        len({random_jpeg(image, (0, n), 1.0, (40, 42)).numpy().tobytes() for n in range(40)}) == 3
    )
    assert (
        len({random_blur(image, (0, n), 1.0, (1.0, 2.0)).numpy().tobytes() for n in range(9)}) == 9
    )
