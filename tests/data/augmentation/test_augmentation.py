"""All operations together, and what holds for void through each of them."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasseg.data import Augmentation
from kerasseg.data.augmentation import FILL_COLOUR
from kerasseg.errors import KerassegError
from tests.data.augmentation.examples import VOID, batch, both_ways, example, photo, seeds, sizes

COLOUR = {
    "brightness": 0.2,
    "contrast": 0.2,
    "saturation": 0.2,
    "hue": 0.1,
    "blur_probability": 0.5,
    "jpeg_probability": 0.5,
}
MOVED = {"crop": "class_balanced", "rotation": 40, "vertical_flip": True}
HIDDEN = {"cutout_probability": 0.5, "grid_mask_probability": 0.5}
MIXED = {"cutmix_probability": 0.5, "copy_paste_probability": 0.5}
EVERYTHING = {**COLOUR, **MOVED, **HIDDEN, **MIXED}
few = settings(max_examples=15, deadline=None)
combinations = st.fixed_dictionaries(
    {},
    optional={
        "crop": st.just("class_balanced"),
        "rotation": st.floats(1, 180),
        "vertical_flip": st.just(True),
        "cutout_probability": st.just(1.0),
        "grid_mask_probability": st.just(1.0),
        "cutmix_probability": st.just(0.7),
        "copy_paste_probability": st.just(0.7),
        "photometric": st.just("keras_cv"),
    },
)
# Every void label with every dtype of label maps that holds it.
kept_voids = st.sampled_from(
    [
        (void, dtype)
        for void in (11, 255, 65535)
        for dtype in (np.uint8, np.uint16, np.int32)
        if void <= np.iinfo(dtype).max
    ]
)


@pytest.mark.parametrize("photometric", ["tensorflow", "keras_cv"])
@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["plain", "everything"])
def test_the_same_seed_gives_the_same_eagerly_and_inside_map(options, photometric):
    augment = Augmentation((24, 40), photometric=photometric, **options)
    changed = both_ways(
        lambda *pair: augment(*pair, ignore_label=VOID),
        photo((50, 60)).astype(np.uint8),
        example((50, 60))[1],
        seeds=6,
        levels=1 if options else 0,
    )
    for image, label in changed:
        assert image.shape == (24, 40, 3)
        assert label.shape == (24, 40)
        assert label.dtype == np.uint8


def test_a_batch_is_mixed_the_same_eagerly_and_inside_map():
    augment = Augmentation((24, 40), **MIXED)
    both_ways(lambda *pair: augment.mix(*pair, ignore_label=VOID), *batch(3, (24, 40)))


@few
@given(
    st.lists(st.tuples(sizes, seeds), min_size=2, max_size=3),
    sizes,
    seeds,
    kept_voids,
    combinations,
)
def test_what_is_not_seen_is_void_and_nothing_else_is(shown, crop, seed, kept, options):
    """Black images of class 1: the fill colour stands where the label is void, and only there."""
    augment, (ignore_label, dtype) = Augmentation(crop, **options), kept
    examples = [
        augment(
            np.zeros((*size, 3), np.uint8), np.ones(size, dtype), own, ignore_label=ignore_label
        )
        for size, own in shown
    ]
    images, labels = (tf.stack(part) for part in zip(*examples, strict=True))
    images, labels = augment.mix(images, labels, seed, ignore_label=ignore_label)
    void = labels.numpy() == ignore_label
    assert labels.dtype == dtype
    assert np.all(labels.numpy()[~void] == 1)
    assert np.all(images.numpy()[void] == FILL_COLOUR)
    assert np.all(images.numpy()[~void] == 0)


@few
@given(sizes, sizes, seeds, st.sampled_from([np.uint8, np.uint16, np.int32]), combinations)
def test_no_label_is_new_and_its_dtype_is_kept(size, crop, seed, dtype, options):
    image, label = example(size)
    augment = Augmentation(crop, **COLOUR, **options)
    changed, moved = augment(image, label.astype(dtype), seed, ignore_label=VOID)
    assert moved.numpy().dtype == dtype
    assert set(np.unique(moved)) <= set(np.unique(label)) | {VOID}
    assert 0 <= changed.numpy().min() <= changed.numpy().max() <= 255


@few
@given(sizes, seeds, combinations)
def test_colour_has_no_part_in_the_labels(size, seed, options):
    plain, coloured = (
        Augmentation((32, 40), **options, **colours)(*example(size), seed, ignore_label=VOID)
        for colours in ({}, COLOUR)
    )
    assert np.array_equal(plain[1], coloured[1])


@pytest.mark.parametrize("name", [*HIDDEN, "blur_probability", "jpeg_probability"])
def test_switching_one_on_leaves_what_the_others_do(name):
    image, label = photo((50, 60)), example((50, 60))[1]
    for seed in range(5):
        plain, more = (
            Augmentation((32, 40), hue=0.1, **options)(image, label, (seed, 0), ignore_label=VOID)
            for options in ({}, {name: 1.0})
        )
        seen = more[1].numpy() != VOID
        assert np.array_equal(plain[1].numpy()[seen], more[1].numpy()[seen])
        assert name not in HIDDEN or np.array_equal(plain[0][seen], more[0][seen])


@pytest.mark.parametrize("void", [256, 65535, -1])
def test_a_void_label_that_the_dtype_cannot_hold_is_refused(void):
    augment, (image, label) = Augmentation((24, 40)), example((20, 30))
    with pytest.raises(KerassegError, match=f"ignore_label {void} does not fit into .* uint8, whi"):
        augment(image, label, (0, 1), ignore_label=void)
    assert augment(image, label.astype(np.int32), (0, 1), ignore_label=void)[1].dtype == tf.int32


def test_another_seed_gives_another_crop():
    augment = Augmentation((24, 40))
    image, label = example((64, 64))
    first, second = (augment(image, label, (0, n), ignore_label=VOID)[1] for n in (1, 2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"crop_size": (0, 4)}, r"crop_size is \(height, width\) in pixels; got \(0, 4\)"),
        ({"scale": (2, 1)}, r"scale is \(smallest, largest\), above 0; got \(2, 1\)"),
        ({"crop": "random"}, "unknown crop 'random'. Accepted: class_balanced, uniform"),
        ({"photometric": "keras"}, "unknown photometric 'keras': did you mean 'keras_cv'"),
        ({"rotation": -5}, "rotation lies within 0..180; got -5"),
        ({"hue": 0.6}, "hue lies within 0..0.5; got 0.6"),
        ({"contrast": float("nan")}, "contrast lies within 0..1; got nan"),
        ({"blur_probability": 2}, "blur_probability lies within 0..1; got 2"),
        ({"blur_sigma": (0, 1)}, r"blur_sigma is \(smallest, largest\) within 0.1..20; got"),
        ({"jpeg_quality": (90, 30)}, r"jpeg_quality is .* within 1..100; got \(90, 30\)"),
        ({"cutout_size": (0.1, 1.5)}, "cutout_size is .* within 0..1; got"),
        ({"grid_mask_ratio": (0.1,)}, "grid_mask_ratio is .* within 0..1; got"),
    ],
)
def test_arguments_out_of_range_are_named(arguments, message):
    with pytest.raises(KerassegError, match=message):
        Augmentation(**{"crop_size": (64, 64), **arguments})


def test_images_of_one_a_batch_cannot_be_mixed():
    Augmentation((64, 64)).check_batch_size(1)
    for name in MIXED:
        augment = Augmentation((64, 64), **{name: 0.5})
        augment.check_batch_size(2)
        with pytest.raises(KerassegError, match="batch_size is 1: give at least 2"):
            augment.check_batch_size(1)
