import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasseg.data.augmentation import (
    FILL_COLOUR,
    Augmentation,
    random_colour,
    random_flip,
    random_scale_crop,
)
from tests.data.files import random_label

VOID = 255
COLOURS = np.array([[250, 10, 10], [10, 250, 10], [10, 10, 250], *[[0, 0, 0]] * 252, FILL_COLOUR])

sides = st.integers(8, 90)
sizes = st.tuples(sides, sides)
seeds = st.tuples(st.integers(0, 2**31), st.integers(0, 2**31))
scales = st.sampled_from([(1.0, 1.0), (0.5, 2.0), (0.4, 0.5), (2.0, 3.0)])
quick = settings(max_examples=40, deadline=None)


def example(size, seed=0):
    label = random_label(np.random.default_rng(seed), size)
    return COLOURS[label].astype(np.float32), label


def moved(image, label, seed, crop, scale):
    return tuple(part.numpy() for part in random_scale_crop(image, label, seed, crop, scale, VOID))


@quick
@given(sizes, sizes, seeds, scales)
def test_labels_are_only_ever_moved(size, crop, seed, scale):
    _, label = example(size)
    cropped = moved(*example(size), seed, crop, scale)[1]
    assert cropped.shape == crop
    assert cropped.dtype == label.dtype
    assert set(np.unique(cropped)) <= set(np.unique(label)) | {VOID}


@quick
@given(sizes, sizes, seeds, scales)
def test_padding_is_void_and_nothing_else_is(size, crop, seed, scale):
    image, label = np.zeros((*size, 3), np.uint8), np.ones(size, np.uint8)
    cropped_image, cropped_label = moved(image, label, seed, crop, scale)
    assert np.array_equal(cropped_label == VOID, np.all(cropped_image == FILL_COLOUR, axis=-1))
    covered = cropped_label != VOID
    rows, columns = covered.any(axis=1), covered.any(axis=0)
    assert covered.any()
    assert np.array_equal(covered, rows[:, None] & columns[None, :])


@quick
@given(sizes, seeds)
def test_a_crop_at_scale_one_is_a_part_of_the_image(size, seed):
    label = np.arange(size[0] * size[1], dtype=np.int32).reshape(size)
    image = np.stack([label % 251, label % 241, label % 239], axis=-1).astype(np.float32)
    crop = (size[0] // 2, size[1] // 2)
    cropped_image, cropped_label = moved(image, label, seed, crop, (1, 1))
    top, left = divmod(int(cropped_label[0, 0]), size[1])
    part = slice(top, top + crop[0]), slice(left, left + crop[1])
    assert np.array_equal(cropped_label, label[part])
    assert np.array_equal(cropped_image, image[part])


@pytest.mark.parametrize("size", [(32, 32), (37, 53), (64, 48)])
@pytest.mark.parametrize("scale", [0.55, 0.7, 1.4, 2.0, 2.7])
def test_nothing_shifts_between_image_and_label(size, scale):
    """Resampled linearly, a slope tells where it was read; the label there is the nearest pixel."""
    rows, columns = np.indices(size)
    image = np.stack([rows, columns, rows * 0], axis=-1).astype(np.float32)
    label = (1000 * rows + columns).astype(np.int32)
    for seed in range(8):
        cropped_image, cropped_label = random_scale_crop(
            image, label, (seed, 1), (40, 44), (scale, scale), 65535
        )
        seen = cropped_label.numpy() != 65535
        for channel, place in enumerate((cropped_label // 1000, cropped_label % 1000)):
            distance = (cropped_image[..., channel] - tf.cast(place, tf.float32)).numpy()[seen]
            assert np.abs(distance).max() <= 0.5 + 1e-3
            assert abs(distance.mean()) < 0.1


@pytest.mark.parametrize("scale", [0.6, 1.0, 1.7])
def test_the_scale_is_that_of_the_draw(scale):
    label = np.arange(200 * 200, dtype=np.int32).reshape(200, 200)
    image = np.zeros((200, 200, 3), np.uint8)
    _, cropped = random_scale_crop(image, label, (3, 4), (96, 96), (scale, scale), 65535)
    height = (cropped[-1, 0] - cropped[0, 0]) // 200
    assert abs(int(height) - 95 / scale) <= 1.5


def test_every_place_is_drawn():
    label = np.arange(8, dtype=np.int32)[None].repeat(8, 0)
    image = np.zeros((8, 8, 3), np.uint8)
    starts = {
        int(random_scale_crop(image, label, (seed, 0), (6, 6), (1, 1), 255)[1][0, 0])
        for seed in range(60)
    }
    assert starts == {0, 1, 2}


@quick
@given(sizes, seeds)
def test_a_flip_mirrors_both_or_none(size, seed):
    image, label = example(size)
    flipped_image, flipped_label = random_flip(image, label, seed)
    mirrored = np.array_equal(flipped_image, image[:, ::-1])
    assert mirrored or np.array_equal(flipped_image, image)
    assert np.array_equal(flipped_image, COLOURS[flipped_label].astype(np.float32))


def test_half_of_the_images_are_mirrored():
    label = np.arange(4)[None]
    count = sum(int(random_flip(label, label, (0, seed))[1][0, 0]) == 3 for seed in range(200))
    assert 70 < count < 130


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
    assert abs(contrasted.mean() - image.mean()) < 1e-2
    assert 0.01 < abs(contrasted.std() / image.std() - 1) <= 0.4
    saturated = random_colour(image, (0, 2), saturation=0.8).numpy()
    luma = np.array([0.299, 0.587, 0.114])
    assert np.abs(saturated @ luma - image @ luma).max() < 0.5
    assert 0.01 < abs(np.ptp(saturated, axis=-1).mean() / np.ptp(image, axis=-1).mean() - 1) <= 0.8


@settings(max_examples=10, deadline=None)
@given(sizes, seeds)
def test_the_same_seed_gives_the_same_eagerly_and_inside_map(size, seed):
    augment = Augmentation((24, 40), brightness=0.2, contrast=0.2, saturation=0.2)
    image, label = example(size)

    def changed(image, label):
        return augment(image, label, seed, ignore_label=VOID)

    eager_image, eager_label = changed(tf.constant(image), tf.constant(label))
    dataset = tf.data.Dataset.from_tensors((image, label)).repeat(3)
    for mapped_image, mapped_label in dataset.map(changed, num_parallel_calls=2):
        assert np.array_equal(mapped_label, eager_label)
        assert np.abs(mapped_image - eager_image).max() <= 1


def test_another_seed_gives_another_crop():
    augment = Augmentation((24, 40))
    image, label = example((64, 64))
    first, second = (augment(image, label, (0, n), ignore_label=VOID)[1] for n in (1, 2))
    assert not np.array_equal(first, second)
