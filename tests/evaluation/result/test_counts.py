"""The counts of borders, regions and confidence beside NumPy's statements and the metrics."""

import numpy as np
import pytest

from kerasseg.evaluation import (
    ExpectedCalibrationError,
    Tally,
    image_boundary_overlaps,
    image_contour_matches,
)
from kerasseg.evaluation.result.borders import (
    ImageMaps,
    boundary_overlaps,
    confusions_by_distance,
    contour_matches,
)
from kerasseg.evaluation.result.details import WIDTHS, details_of_image
from kerasseg.evaluation.result.regions import AREAS, connected_regions, region_counts
from kerasseg.evaluation.result.scores import calibration
from kerasseg.label_set import LabelSet

VOID = 999


def maps_of(classes, height, width, seed=0, block=4):
    """Blocks of classes, moved in the prediction; void in spots and in a strip."""
    draw = np.random.default_rng(seed)
    whole = np.kron(draw.integers(0, classes, (height, width)), np.ones((block, block), int))
    truth = whole[:height, :width].copy()
    predicted = np.where(
        draw.random(truth.shape) < 0.05,
        draw.integers(0, classes, truth.shape),
        np.roll(truth, (1, 2), (0, 1)),
    )
    truth[draw.random(truth.shape) < 0.05] = VOID
    truth[:, width // 2] = VOID
    return truth, predicted


SIZES = [(3, 24, 37), (40, 24, 37), (300, 30, 20), (3, 2, 9), (2, 1, 1)]


@pytest.mark.parametrize(("classes", "height", "width"), SIZES)
def test_boundaries_and_contours_are_those_of_the_metrics(classes, height, width):
    truth, predicted = maps_of(classes, height, width)
    maps = ImageMaps(truth, predicted, classes, VOID)
    given = truth[None], np.eye(classes, dtype=np.float32)[predicted][None]
    np.testing.assert_array_equal(
        boundary_overlaps(maps), image_boundary_overlaps(*given, VOID).numpy()[0]
    )
    tolerances = (0, 1, 3, 5)
    for tolerance, found in zip(tolerances, contour_matches(maps, tolerances), strict=True):
        expected = image_contour_matches(*given, VOID, tolerance).numpy()[0]
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("classes", "height", "width"), SIZES[:4])
def test_distances_from_a_border_are_those_of_each_pixel(classes, height, width):
    truth, predicted = maps_of(classes, height, width)
    expected = np.zeros((4, classes, classes), int)
    places = np.argwhere(truth != VOID)
    for place in places:
        others = places[truth[tuple(places.T)] != truth[tuple(place)]]
        nearest = np.abs(others - place).max(axis=1).min() if len(others) else np.inf
        ring = int(np.searchsorted((1, 3, 6), nearest))
        expected[ring, truth[tuple(place)], predicted[tuple(place)]] += 1
    found = confusions_by_distance(ImageMaps(truth, predicted, classes, VOID), (1, 3, 6))
    np.testing.assert_array_equal(found, expected)


def flooded(label, start):
    """The places of one class that four neighbours lead to."""
    found, left = set(), [start]
    while left:
        row, column = place = left.pop()
        inside = 0 <= row < label.shape[0] and 0 <= column < label.shape[1]
        if place in found or not inside or label[place] != label[start]:
            continue
        found.add(place)
        left += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
    return found


def test_regions_are_what_four_neighbours_lead_to():
    truth, predicted = maps_of(3, 24, 37, block=2)
    numbers = connected_regions(truth, VOID)
    regions = {frozenset(flooded(truth, tuple(place))) for place in np.argwhere(truth != VOID)}
    assert numbers.max() == len(regions)
    expected = np.zeros((3, len(AREAS)), int)
    for region in regions:
        rows, columns = np.array(list(region)).T
        assert len(set(numbers[rows, columns])) == 1
        right = (truth[rows, columns] == predicted[rows, columns]).sum()
        place = sum(len(region) >= area for area in AREAS) - 1
        expected[:, place] += 1, len(region), right
    assert not numbers[truth == VOID].any()
    np.testing.assert_array_equal(region_counts(truth, predicted, VOID), expected)


def test_confidences_are_those_of_the_metric():
    truth, _ = maps_of(5, 24, 37)
    draw = np.random.default_rng(1)
    shares = draw.dirichlet(np.full(5, 0.3), truth.shape).astype(np.float32)
    labels = LabelSet(tuple("abcde"), ignore_label=VOID)
    found = details_of_image(truth, shares.argmax(-1), labels, shares.max(-1))
    metric = ExpectedCalibrationError(5, VOID, from_logits=False)
    metric.update_state(truth[None], shares[None])
    np.testing.assert_array_equal(found.confidences, metric.bins.numpy())
    error = calibration(found.confidences)["expected_calibration_error"]
    assert error == pytest.approx(float(metric.result()), rel=1e-6)


def test_a_tally_sums_images_and_void_ones_add_nothing():
    labels = LabelSet(tuple("abc"), ignore_label=VOID)
    pairs = [maps_of(3, 24, 37, seed) for seed in range(3)]
    pairs.append((np.full((24, 37), VOID), np.zeros((24, 37), int)))
    tally = Tally(labels)
    tally.add(*(np.stack(part) for part in zip(*pairs, strict=True)))
    for name, value in vars(tally.details).items():
        each = [getattr(details_of_image(*pair, labels), name) for pair in pairs]
        np.testing.assert_array_equal(value, sum(each))
        assert not each[-1].any()
    valid = sum((truth != VOID).sum() for truth, _ in pairs)
    assert tally.details.distances.sum() == valid
    assert len(tally.details.distances) == len(WIDTHS) + 1
