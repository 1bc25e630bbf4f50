import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from kerasseg.data.augmentation import FILL_COLOUR
from kerasseg.data.augmentation.geometry import random_scale_crop, random_vertical_flip
from kerasseg.data.augmentation.windows import draw_target, draw_window
from tests.data.augmentation.examples import (
    COLOURS,
    VOID,
    both_ways,
    example,
    quick,
    seeds,
    sizes,
)

scales = st.sampled_from([(1.0, 1.0), (0.5, 2.0), (0.4, 0.5), (2.0, 3.0)])


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
def test_a_vertical_flip_turns_both_or_none(size, seed):
    image, label = example(size)
    flipped_image, flipped_label = random_vertical_flip(image, label, seed)
    turned = np.array_equal(flipped_image, image[::-1])
    assert turned or np.array_equal(flipped_image, image)
    assert np.array_equal(flipped_image, COLOURS[flipped_label].astype(np.float32))


def test_half_of_the_images_are_flipped():
    label = np.arange(4)[:, None]
    count = sum(int(random_vertical_flip(label, label, (0, n))[1][0, 0]) == 3 for n in range(200))
    assert 70 < count < 130


def test_a_vertical_flip_is_the_same_inside_map():
    both_ways(random_vertical_flip, *example((20, 30)), seeds=6)


OPTIONS = [
    {},
    {"crop": "class_balanced"},
    {"rotation": 30},
    {"crop": "class_balanced", "rotation": 180},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("scale", [(0.4, 0.5), (2.0, 3.0)])
def test_a_mirrored_crop_is_the_mirror_image_of_the_crop(options, scale):
    image, label = example((50, 60))
    for seed in range(5):
        crops = [
            random_scale_crop(
                image, label, (0, seed), (40, 44), scale, VOID, mirrored=tf.constant(yes), **options
            )
            for yes in (False, True)
        ]
        np.testing.assert_allclose(crops[1][0], crops[0][0][:, ::-1], atol=1e-3)
        assert np.array_equal(crops[1][1], crops[0][1][:, ::-1])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_crop_is_the_same_inside_map(options, dtype):
    image, label = example((50, 60))
    crops = both_ways(
        lambda *pair: random_scale_crop(*pair, (40, 44), (0.5, 2.0), VOID, **options),
        image,
        label.astype(dtype),
    )
    assert all(cropped.dtype == dtype for _, cropped in crops)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_only_a_window_of_the_image_is_read_once(options):
    image, label = example((70, 90))
    asked = []

    def read(start, size):
        asked.append((start.numpy(), size.numpy()))
        (top, left), (height, width) = asked[-1]
        assert min(top, left) >= 0
        assert min(height, width) >= 1
        assert top + height <= 70
        assert left + width <= 90
        return tf.constant(image[top : top + height, left : left + width].astype(np.uint8))

    for seed in range(20):
        arguments = (label, (seed, 5), (24, 30), (1.5, 2.0), VOID)
        of_windows = random_scale_crop(read, *arguments, **options)
        of_image = random_scale_crop(image.astype(np.uint8), *arguments, **options)
        assert np.array_equal(of_windows[0], of_image[0])
        assert np.array_equal(of_windows[1], of_image[1])
    assert len(asked) == 20
    assert max(np.prod(size) for _, size in asked) < 70 * 90 / 2


# Class-balanced crops


def test_every_class_is_drawn_as_often_and_void_never():
    label = np.full((40, 50), 1, np.uint8)
    label[:3, :3], label[20, 30], label[30:] = 0, 7, VOID
    drawn = [label[tuple(draw_target(label, (0, seed), VOID).numpy())] for seed in range(300)]
    assert set(drawn) == {0, 1, 7}
    assert min(drawn.count(number) for number in (0, 1, 7)) > 70


def test_every_pixel_of_a_class_is_drawn():
    label = np.array([[0, 1, 0], [1, 1, 0]], np.int32)
    drawn = {tuple(draw_target(label, (1, seed), VOID).numpy().tolist()) for seed in range(200)}
    assert drawn == {(row, column) for row in (0, 1) for column in (0, 1, 2)}


def test_where_all_is_void_any_pixel_is_drawn():
    label = np.full((2, 2), VOID, np.uint8)
    drawn = {tuple(draw_target(label, (1, seed), VOID).numpy().tolist()) for seed in range(60)}
    assert len(drawn) == 4


@quick
@given(sizes, sizes, seeds, scales, st.data())
def test_a_window_holds_the_pixel_that_it_must_hold(size, crop, seed, scale, data):
    target = np.array([data.draw(st.integers(0, side - 1)) for side in size], np.int32)
    start, length = draw_window(np.array(size, np.int32), seed, crop, scale, target)
    assert np.all(start <= target)
    assert np.all(target < start + length)
    inside, room = start.numpy(), np.array(size) - length.numpy()
    assert np.all((np.minimum(room, 0) <= inside) & (inside <= np.maximum(room, 0)))


@pytest.mark.parametrize("rotation", [0, 180])
@pytest.mark.parametrize("corner", [(0, 63), (40, 30)])
def test_a_rare_class_is_in_half_of_the_crops_at_least(corner, rotation):
    label = np.zeros((64, 64), np.uint8)
    top, left = (min(max(place, 1), 62) for place in corner)
    label[top - 1 : top + 2, left - 1 : left + 2] = 1
    image = np.zeros((64, 64, 3), np.uint8)
    balanced = {"crop": "class_balanced", "rotation": rotation}
    found = sum(
        1 in random_scale_crop(image, label, (3, n), (16, 20), (1, 1), VOID, **balanced)[1].numpy()
        for n in range(60)
    )
    assert found >= 20
