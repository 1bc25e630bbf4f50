import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import config

from kerasseg.data.augmentation import colour, photometric, regions
from kerasseg.data.augmentation.colour import draw_colour_change
from tests.data.augmentation.examples import VOID, both_ways, example, photo

CHANGES = {
    "brightness": {"brightness": 0.2},
    "contrast": {"contrast": 0.4},
    "saturation": {"saturation": 0.8},
    "hue": {"hue": 0.3},
    "all": {"brightness": 0.2, "contrast": 0.4, "saturation": 0.8, "hue": 0.3},
}


@pytest.mark.parametrize("name", CHANGES)
def test_it_is_the_same_inside_map_and_the_second_time(name):
    def change(*image):
        return photometric.random_colour(*image, **CHANGES[name])

    first, second = (both_ways(change, photo((40, 50)), levels=1) for _ in range(2))
    for once, again in zip(first, second, strict=True):
        assert np.array_equal(once, again)
        assert once.dtype == np.float32
        assert 0 <= once.min() <= once.max() <= 255
        assert np.abs(once - photo((40, 50))).max() > 1


@pytest.mark.parametrize("name", ["brightness", "contrast"])
def test_the_draw_is_that_of_the_other_implementation(name):
    grey = np.repeat(photo((20, 20))[..., :1], 3, axis=-1) / 4 + 96
    for seed in range(4):
        own = colour.random_colour(grey, (seed, 1), **CHANGES[name])
        theirs = photometric.random_colour(grey, (seed, 1), **CHANGES[name])
        assert np.abs(own - theirs).max() < 0.01


def test_saturation_and_hue_are_those_of_hsv():
    image = photo((20, 20))
    for seed in range(4):
        change = draw_colour_change((seed, 1), 0, 0, 0.8, 0.3)
        more = tf.image.adjust_saturation(image / 255, change.saturation) * 255
        found = photometric.random_colour(image, (seed, 1), saturation=0.8)
        assert np.abs(found - more).max() < 0.05
        turned = tf.image.adjust_hue(image / 255, change.hue) * 255
        found = photometric.random_colour(image, (seed, 1), hue=0.3)
        assert np.abs(found - turned).max() < 0.05


def test_no_change_is_none():
    image = photo((10, 10))
    assert np.array_equal(photometric.random_colour(image, (0, 1)), image)


def test_jpeg_noise_is_that_of_the_other_implementation():
    image = photo((40, 50))
    kept = both_ways(lambda *one: photometric.random_jpeg(*one, 1.0, (20, 60)), image)
    for number, found in enumerate(kept):
        assert np.array_equal(found, colour.random_jpeg(image, (number, 7), 1.0, (20, 60)))
        assert np.abs(found - image).max() > 1


def test_a_grid_mask_is_void_in_the_label_map_too():
    pair = example((50, 60))
    options = (1.0, (0.2, 0.5), VOID)
    covered = both_ways(lambda *pair: photometric.random_grid_mask(*pair, *options), *pair)
    for number, (image, label) in enumerate(covered):
        expected = regions.random_grid_mask(*pair, (number, 7), *options)
        assert np.array_equal(image, expected[0])
        assert np.array_equal(label, expected[1])
        assert np.any(label != pair[1])


def test_the_dtype_policy_of_the_network_has_no_effect():
    image = photo((20, 20))
    expected = photometric.random_colour(image, (0, 1), **CHANGES["all"])
    photometric._layers.cache_clear()
    keras.config.set_dtype_policy("mixed_bfloat16")
    assert np.array_equal(photometric.random_colour(image, (0, 1), **CHANGES["all"]), expected)


def test_a_deterministic_run_may_use_it():
    photometric._layers.cache_clear()
    tf.config.experimental.enable_op_determinism()
    try:
        noisy = both_ways(lambda *one: photometric.random_jpeg(*one, 1.0, (9, 9)), photo((9, 9)))
    finally:
        config.disable_op_determinism()
    assert noisy[0].shape == (9, 9, 3)
