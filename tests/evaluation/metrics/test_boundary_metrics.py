"""Boundary IoU and boundary F1, beside SciPy's morphology."""

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, distance_transform_edt

from kerasseg.errors import KerassegError
from kerasseg.evaluation import (
    BoundaryF1,
    BoundaryIoU,
    image_boundary_overlaps,
    image_contour_matches,
)
from tests.evaluation.draws import VOID, blocks, updated


def near_contour(of_class, valid, radius, at_image_edge):
    """Valid pixels of a class that a window of valid pixels of the class does not cover."""
    window = np.ones((2 * radius + 1,) * 2)
    inside = binary_erosion(of_class | ~valid, window, border_value=not at_image_edge)
    return of_class & valid & ~inside


def overlaps(labels, predicted, classes, radius, at_image_edge):
    """Of one image: near both contours, near that of the truth, near that of the prediction."""
    valid, found = labels != VOID, []
    for number in range(classes):
        truth, guess = (
            near_contour(each == number, valid, radius, at_image_edge)
            for each in (labels, predicted)
        )
        found.append([(truth & guess).sum(), truth.sum(), guess.sum()])
    return np.transpose(found)


def matches(labels, predicted, classes, tolerance):
    """Of one image, by the distance to the nearest pixel of the other contour."""
    valid, found = labels != VOID, []
    for number in range(classes):
        truth, guess = (
            near_contour(each == number, valid, 1, at_image_edge=False)
            for each in (labels, predicted)
        )
        found.append([])
        for one, other in ((guess, truth), (truth, guess)):
            # Without any pixel to be near to SciPy's distance means nothing.
            distance = distance_transform_edt(~other) if other.any() else one + 1e9
            found[-1] += [(one & (distance <= tolerance)).sum(), one.sum()]
    return np.transpose(found)


@pytest.mark.parametrize("at_image_edge", [True, False])
@pytest.mark.parametrize(("width", "radius"), [(1, 1), (4, 4), (30, 30), (0.02, 1), (0.05, 3)])
def test_boundary_iou_is_that_of_eroded_masks(width, radius, at_image_edge):
    labels, logits = blocks(0)
    expected = [
        overlaps(*each, 4, radius, at_image_edge)
        for each in zip(labels, logits.argmax(-1), strict=True)
    ]
    found = image_boundary_overlaps(labels, logits, VOID, width, at_image_edge)
    np.testing.assert_array_equal(found, expected)
    both, truth, guess = np.sum(expected, axis=0)
    metric = updated(BoundaryIoU(4, width=width, at_image_edge=at_image_edge), (labels, logits))
    np.testing.assert_allclose(metric.class_scores(), both / (truth + guess - both))
    assert float(metric.result()) == pytest.approx(np.mean(metric.class_scores()), rel=1e-6)


def test_without_void_it_is_erosion_by_3x3_pixels_as_often_as_the_width_says():
    labels, logits = blocks(1, void_share=0)
    found = image_boundary_overlaps(labels, logits, VOID, 5)
    for image, truth in zip(found, labels, strict=True):
        for number in range(4):
            inside = binary_erosion(truth == number, np.ones((3, 3)), iterations=5)
            assert image[1, number] == ((truth == number) & ~inside).sum()


@pytest.mark.parametrize(
    ("tolerance", "pixels"),
    [(0, 0), (1, 1), (3, 3), (5, 5), (60, 60), (0.04, 0.04 * np.hypot(37, 52))],
)
def test_boundary_f1_is_that_of_distances_to_the_other_contour(tolerance, pixels):
    labels, logits = blocks(2)
    expected = np.array(
        [matches(*each, 4, pixels) for each in zip(labels, logits.argmax(-1), strict=True)]
    )
    np.testing.assert_array_equal(image_contour_matches(labels, logits, VOID, tolerance), expected)

    def f1(counts):
        precision, recall = counts[0] / counts[1], counts[2] / counts[3]
        return 2 * precision * recall / np.maximum(precision + recall, 1e-9)

    metric = updated(BoundaryF1(4, tolerance=tolerance), (labels, logits))
    np.testing.assert_allclose(metric.class_scores(), f1(expected.sum(axis=0)))
    metric = updated(BoundaryF1(4, tolerance=tolerance, per_image=True), (labels, logits))
    np.testing.assert_allclose(metric.class_scores(), np.mean([*map(f1, expected)], axis=0))


def test_more_classes_than_a_word_has_bits():
    labels, logits = blocks(3, classes=70, void_share=0.1)
    pairs = list(zip(labels, logits.argmax(-1), strict=True))
    np.testing.assert_array_equal(
        image_boundary_overlaps(labels, logits, VOID, 2), [overlaps(*p, 70, 2, True) for p in pairs]
    )
    np.testing.assert_array_equal(
        image_contour_matches(labels, logits, VOID, 2), [matches(*p, 70, 2) for p in pairs]
    )


def line(*classes):
    return np.array([[classes]])


def test_a_border_to_void_alone_is_no_contour():
    labels = line(0, 0, 0, VOID, VOID)
    logits = np.eye(2)[line(0, 0, 0, 1, 1)]
    for metric in (BoundaryIoU(2, width=2, at_image_edge=False), BoundaryF1(2)):
        assert not np.any(updated(metric, (labels, logits)).variables[0])
        assert float(metric.result()) == 0


def test_classes_see_each_other_across_a_narrow_strip_of_void():
    labels = line(0, 0, VOID, VOID, 1, 1)
    logits = np.eye(2)[line(0, 0, 0, 0, 1, 1)]
    for width, near in ((2, 0), (3, 1), (4, 2)):
        found = image_boundary_overlaps(labels, logits, VOID, width, at_image_edge=False)
        np.testing.assert_array_equal(found, [[[near, near]] * 3])


def test_an_error_of_one_pixel_is_within_a_tolerance_of_one():
    labels, logits = line(0, 0, 0, 1, 1, 1), np.eye(2)[line(0, 0, 1, 1, 1, 1)]
    for tolerance, score in ((0, 0), (1, 1)):
        metric = updated(BoundaryF1(2, tolerance=tolerance), (labels, logits))
        assert float(metric.result()) == score


def test_a_contour_that_only_one_side_has_scores_0_and_one_that_none_has_is_absent():
    labels, logits = line(0, 0, 0, 0), np.eye(3)[line(0, 0, 1, 1)]
    for absent, value in (("skip", np.nan), ("one", 1), ("zero", 0)):
        metric = updated(BoundaryF1(3, absent=absent), (labels, logits))
        np.testing.assert_array_equal(metric.class_scores(), [0, 0, value])


@pytest.mark.parametrize("width", [0, -1, 1.0, 1.5, 0.0, "0.02", True])
def test_a_width_that_is_neither_pixels_nor_a_share_is_refused(width):
    with pytest.raises(KerassegError, match=r"whole number of pixels.* received .*usually.*0\.02"):
        BoundaryIoU(2, width=width)


@pytest.mark.parametrize("tolerance", [-1, 1.5, 0.0, 1.0, "3", True])
def test_a_tolerance_that_is_no_number_of_pixels_is_refused(tolerance):
    with pytest.raises(KerassegError, match=r"whole number .*at least 0, or a share .*received"):
        BoundaryF1(2, tolerance=tolerance)
