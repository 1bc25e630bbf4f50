import numpy as np
import pytest

from kerasseg.data import ClassHistogram, class_histogram, class_weights, describe, find_pairs
from kerasseg.data.doctor import WEIGHTINGS
from kerasseg.errors import KerassegError
from kerasseg.losses import SegmentationCrossentropy
from kerasseg.recipe import read_recipe
from tests.data.files import LABELS, write_folder
from tests.processes import CHECKOUT

HISTOGRAM = ClassHistogram((800, 150, 50, 0), (10, 5, 1, 0), (1000, 500, 100, 0))


def test_median_frequency_is_relative_to_the_images_that_hold_the_class():
    """f = 0.8, 0.3, 0.5 and its median 0.5."""
    assert class_weights(HISTOGRAM, "median-frequency") == pytest.approx((0.625, 5 / 3, 1, 0))


@pytest.mark.parametrize(
    ("weighting", "power"), [("inverse-frequency", 1), ("inverse-square-root", 2), ("cube-root", 3)]
)
def test_roots_are_relative_to_all_pixels(weighting, power):
    """s = 0.8, 0.15, 0.05 and its median 0.15."""
    expected = [(0.15 / share) ** (1 / power) for share in (0.8, 0.15, 0.05)]
    assert class_weights(HISTOGRAM, weighting) == pytest.approx((*expected, 0))


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_a_class_of_middle_frequency_has_weight_one_and_rarer_ones_more(weighting):
    histogram = ClassHistogram((700, 200, 100), (9, 9, 9), (1000, 1000, 1000))
    common, middle, rare = class_weights(histogram, weighting)
    assert common < middle == 1 < rare


def test_median_frequency_is_the_default():
    assert class_weights(HISTOGRAM) == class_weights(HISTOGRAM, "median-frequency")


def test_the_loss_takes_them():
    labels = np.array([[[0, 1], [2, 255]]])
    logits = np.zeros((1, 2, 2, 4), np.float32)
    weights = class_weights(HISTOGRAM)
    assert float(SegmentationCrossentropy(class_weights=weights)(labels, logits)) == pytest.approx(
        np.log(4), rel=1e-6
    )


def test_an_unknown_weighting_gets_the_nearest():
    with pytest.raises(KerassegError, match="'median': did you mean 'median-frequency'"):
        class_weights(HISTOGRAM, "median")


def test_nothing_can_be_weighted_where_no_class_occurs():
    with pytest.raises(KerassegError, match="no class occurs"):
        class_weights(ClassHistogram((0, 0), (0, 0), (0, 0)))


def test_a_histogram_is_of_one_number_a_class():
    with pytest.raises(KerassegError, match="got 2, 1 and 2 numbers"):
        ClassHistogram((5, 5), (1,), (10, 10))


def test_the_histogram_of_a_split(tmp_path):
    pairs = write_folder(tmp_path, [(24, 32), (40, 16)])
    from PIL import Image

    maps = [np.asarray(Image.open(pair.label)) for pair in pairs]
    histogram = class_histogram(pairs, LABELS)
    for number in range(3):
        of_class = [(ids == number).sum() for ids in maps]
        assert histogram.pixels[number] == sum(of_class)
        assert histogram.images[number] == np.count_nonzero(of_class)
        around = sum(ids.size for ids, there in zip(maps, of_class, strict=True) if there)
        assert histogram.pixels_around[number] == around


@pytest.mark.slow
def test_the_cube_roots_of_camvid_are_those_of_its_recipe(camvid):
    recipe = read_recipe(CHECKOUT / "training/recipes/camvid.toml")
    histogram = class_histogram(find_pairs(camvid, "train"), describe("camvid").labels)
    weights = class_weights(histogram, "cube-root")
    assert weights == pytest.approx(recipe.loss.class_weights, rel=0.02)
