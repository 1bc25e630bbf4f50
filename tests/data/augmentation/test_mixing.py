import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasseg.data.augmentation.mixing import random_copy_paste, random_cutmix
from tests.data.augmentation.examples import COLOURS, VOID, batch, both_ways, quick, seeds


def cutmix(images, labels, seed, probability=1.0):
    return random_cutmix(images, labels, seed, probability)


def copy_paste(images, labels, seed, probability=1.0):
    return random_copy_paste(images, labels, seed, probability, VOID)


OPERATIONS = [cutmix, copy_paste]


def numbered(count, size):
    """Returns a batch in which each image is its own number, and so is the second channel."""
    labels = batch(count, size)[1]
    images = np.zeros((*labels.shape, 3), np.float32)
    images[..., 0], images[..., 1] = np.arange(count)[:, None, None], labels
    return images, labels


def taken(operation, count, size, seed, probability=1.0):
    """Returns where the pixels of a batch come from the next image, bool `(B, H, W)`.

    Says that each comes from its own place in one of the two, and the label with it.
    """
    images, labels = numbered(count, size)
    mixed, mixed_labels = operation(images, labels, seed, probability)
    mixed, mixed_labels = mixed.numpy(), mixed_labels.numpy()
    assert mixed_labels.dtype == labels.dtype
    own = np.arange(count)[:, None, None]
    assert np.all((mixed[..., 0] == own) | (mixed[..., 0] == (own + 1) % count))
    assert np.array_equal(mixed[..., 1], mixed_labels)
    of_next = mixed[..., 0] != own
    assert np.array_equal(mixed_labels, np.where(of_next, np.roll(labels, -1, 0), labels))
    return of_next


@pytest.mark.parametrize("operation", OPERATIONS)
@quick
@given(st.integers(2, 4), st.tuples(st.integers(2, 40), st.integers(2, 40)), seeds)
def test_a_pixel_comes_with_its_label(operation, count, size, seed):
    taken(operation, count, size, seed)


@quick
@given(st.integers(2, 4), st.tuples(st.integers(2, 40), st.integers(2, 40)), seeds)
def test_cutmix_takes_a_rectangle(count, size, seed):
    for part in taken(cutmix, count, size, seed):
        rows, columns = part.any(axis=1), part.any(axis=0)
        assert np.array_equal(part, rows[:, None] & columns[None, :])
        assert abs(rows.sum() / size[0] - columns.sum() / size[1]) <= 1


def test_the_area_of_cutmix_is_drawn_evenly():
    shares = np.concatenate([taken(cutmix, 4, (32, 32), (0, n)).mean((1, 2)) for n in range(60)])
    assert 0.4 < shares.mean() < 0.6
    assert shares.min() < 0.05
    assert shares.max() > 0.95


@quick
@given(st.integers(2, 4), st.tuples(st.integers(2, 40), st.integers(2, 40)), seeds)
def test_copy_paste_takes_all_pixels_of_half_of_the_classes_and_no_void(count, size, seed):
    labels = numbered(count, size)[1]
    parts = taken(copy_paste, count, size, seed)
    for part, following in zip(parts, np.roll(labels, -1, 0), strict=True):
        classes = set(np.unique(following)) - {VOID}
        pasted = set(np.unique(following[part]))
        assert pasted <= classes
        assert len(pasted) == -(-len(classes) // 2)
        assert np.array_equal(part, np.isin(following, list(pasted)))


def test_every_class_is_pasted_at_times():
    labels = np.tile(np.array([0, 3, 7, VOID], np.int32), (2, 4, 1))
    images = np.zeros((2, 4, 4, 3), np.float32)
    images[1] = 1
    seen = sum(copy_paste(images, labels, (0, n))[0].numpy()[0, 0, :, 0] for n in range(40))
    assert np.all(seen[:3] > 15)
    assert seen[3] == 0


def test_a_void_label_among_the_class_numbers_is_never_pasted():
    labels = np.array([[[0, 1, 11, 11]], [[11, 11, 0, 1]]], np.int32)
    images = np.zeros((2, 1, 4, 3), np.float32)
    images[1] = 1
    for n in range(10):
        mixed, _ = random_copy_paste(images, labels, (0, n), 1.0, 11)
        assert np.all(mixed.numpy()[0, 0, :2] == 0)


def test_a_batch_of_void_alone_stays_as_it_is():
    labels = np.full((2, 4, 4), VOID, np.uint8)
    images = np.arange(2 * 4 * 4 * 3).reshape(2, 4, 4, 3).astype(np.float32)
    mixed, mixed_labels = copy_paste(images, labels, (0, 1))
    assert np.array_equal(mixed, images)
    assert np.array_equal(mixed_labels, labels)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_it_is_the_same_inside_map(operation, dtype):
    images, labels = batch(3, (30, 40))
    for mixed, mixed_labels in both_ways(operation, images, labels.astype(dtype)):
        assert mixed_labels.dtype == dtype
        assert np.array_equal(mixed, COLOURS[mixed_labels].astype(np.float32))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_probability_is_the_share_of_the_images_that_are_changed(operation):
    changed = [taken(operation, 4, (24, 24), (0, n), 0.3).any((1, 2)) for n in range(50)]
    assert 35 < np.sum(changed) < 85
    assert not taken(operation, 4, (24, 24), (0, 1), 0.0).any()
