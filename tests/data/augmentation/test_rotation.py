import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from kerasseg.data.augmentation import FILL_COLOUR
from kerasseg.data.augmentation.geometry import random_scale_crop, straight_crop
from kerasseg.data.augmentation.rotation import draw_angle, moved_to_hold, turned_crop
from kerasseg.data.augmentation.windows import Window, draw_window
from tests.data.augmentation.examples import VOID, example, quick, seeds, sizes

angles = st.floats(-math.pi, math.pi)


def reader(image):
    def read(start, size):
        (top, left), (height, width) = np.array(start), np.array(size)
        return tf.constant(image[top : top + height, left : left + width])

    return read


def turned(image, label, window, angle, crop, ignore_label=VOID):
    window = Window(*(tf.constant(part, tf.int32) for part in window))
    image, label = turned_crop(
        reader(image),
        tf.constant(label),
        window,
        tf.constant(angle, tf.float32),
        crop,
        ignore_label,
    )
    return image.numpy(), label.numpy()


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.7])
def test_no_turn_is_the_straight_crop(scale):
    image, label = example((60, 70))
    for seed in range(10):
        window = draw_window(tf.constant([60, 70]), (seed, 1), (40, 48), (scale, scale))
        straight = straight_crop(reader(image), tf.constant(label), window, (40, 48), VOID)
        same = turned(image, label, window, 0.0, (40, 48))
        assert np.array_equal(straight[1], same[1])
        # A straight crop blends no pixels from beyond its window.
        assert np.abs(straight[0] - same[0])[1:-1, 1:-1].max() < 0.1


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns_move_whole_pixels(quarters):
    label = np.arange(30 * 30, dtype=np.int32).reshape(30, 30)
    image = np.stack([label % 251, label % 241, label % 239], axis=-1).astype(np.float32)
    moved_image, moved_label = turned(
        image, label, ([0, 0], [30, 30]), quarters * math.pi / 2, (30, 30), 65535
    )
    assert np.array_equal(moved_label, np.rot90(label, -quarters))
    assert np.abs(moved_image - np.rot90(image, -quarters)).max() < 0.1


@pytest.mark.parametrize("angle", [0.1, -0.7, 2.0])
@pytest.mark.parametrize("side", [25, 40, 70])
def test_nothing_shifts_between_image_and_label(angle, side):
    """Resampled linearly, a slope tells where it was read; the label there is the nearest pixel."""
    rows, columns = np.indices((90, 100))
    image = np.stack([rows, columns, rows * 0], axis=-1).astype(np.float32)
    label = (1000 * rows + columns).astype(np.int32)
    window = ([10, 12], [side, side])
    moved_image, moved_label = turned(image, label, window, angle, (40, 40), 2**20)
    seen = moved_label != 2**20
    for channel, place in enumerate((moved_label // 1000, moved_label % 1000)):
        distance = (moved_image[..., channel] - place)[seen]
        assert np.abs(distance).max() <= 0.5 + 1e-2
        assert abs(distance.mean()) < 0.05


@pytest.mark.parametrize("angle", [0.3, -1.2])
def test_the_angle_and_the_scale_are_those_that_were_asked_for(angle):
    rows, columns = np.indices((200, 200))
    label = (1000 * rows + columns).astype(np.int32)
    image = np.zeros((200, 200, 3), np.float32)
    _, moved = turned(image, label, ([60, 60], [80, 80]), angle, (40, 40), 2**20)
    down = np.array(divmod(int(moved[39, 20]), 1000)) - divmod(int(moved[0, 20]), 1000)
    expected = 2 * 39 * np.array([math.cos(angle), math.sin(angle)])
    assert np.abs(down - expected).max() <= 1.5


@quick
@given(sizes, sizes, seeds, st.floats(1, 180))
def test_beyond_the_image_it_is_void_and_nothing_is_blended(size, crop, seed, rotation):
    image, label = np.zeros((*size, 3), np.uint8), np.ones(size, np.uint8)
    moved_image, moved_label = random_scale_crop(
        image, label, seed, crop, (0.5, 2.0), VOID, rotation=rotation
    )
    void = moved_label.numpy() == VOID
    assert moved_image.dtype == tf.float32
    assert moved_label.dtype == tf.uint8
    assert np.all(moved_label.numpy()[~void] == 1)
    assert np.all(moved_image.numpy()[void] == FILL_COLOUR)
    assert np.all(moved_image.numpy()[~void] == 0)
    assert not void.all()


@quick
@given(sizes, sizes, seeds, angles, st.data())
def test_a_turned_window_still_holds_its_pixel(size, crop, seed, angle, data):
    target = np.array([data.draw(st.integers(0, side - 1)) for side in size], np.int32)
    window = draw_window(np.array(size, np.int32), seed, crop, (0.5, 2.0), target)
    window = moved_to_hold(tf.constant(target), window, tf.constant(angle, tf.float32))
    start, length = window.start.numpy(), window.size.numpy()
    offset = target + 0.5 - (start + length / 2)
    back = np.array(
        [
            math.cos(angle) * offset[0] + math.sin(angle) * offset[1],
            -math.sin(angle) * offset[0] + math.cos(angle) * offset[1],
        ]
    )
    assert np.all(np.abs(back) <= np.maximum(length / 2, 1.5))


def test_a_window_that_holds_its_pixel_is_not_moved():
    window = Window(tf.constant([10, 20]), tf.constant([30, 40]))
    for angle in (-0.5, 0.0, 3.0):
        moved = moved_to_hold(tf.constant([24, 39]), window, tf.constant(angle))
        assert moved.start.numpy().tolist() == [10, 20]


def test_angles_are_drawn_evenly_to_both_sides():
    drawn = np.array([math.degrees(draw_angle((0, seed), 20)) for seed in range(300)])
    assert -20 <= drawn.min() < -18
    assert 18 < drawn.max() <= 20
    assert abs(drawn.mean()) < 2


def test_no_rotation_costs_nothing():
    def kinds(rotation):
        graph = tf.function(
            lambda image, label: random_scale_crop(
                image, label, (0, 1), (16, 16), (1, 2), VOID, rotation=rotation
            )
        ).get_concrete_function(tf.TensorSpec((20, 20, 3)), tf.TensorSpec((20, 20), tf.int32))
        return {operation.type for operation in graph.graph.get_operations()}

    assert {"ImageProjectiveTransformV3", "Cos"} <= kinds(5)
    assert not {"ImageProjectiveTransformV3", "Cos"} & kinds(0)
