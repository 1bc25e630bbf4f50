import numpy as np
import pytest

from kerasseg.errors import KerassegError
from kerasseg.evaluation import mean_iou_of_counts, paired_bootstrap
from kerasseg.evaluation.comparison import bootstrap


def counts(seed, images=30, classes=3):
    generator = np.random.default_rng(seed)
    union = generator.integers(1, 100, (images, classes))
    return generator.binomial(union, 0.7), union


def mean_of(values):
    """A score of values that were divided by their number beforehand."""
    return values


def test_is_that_of_a_loop_over_the_resamples():
    first, second = counts(0), counts(1)
    found = paired_bootstrap(first, second, mean_iou_of_counts, samples=200, seed=5)
    generator, differences = np.random.default_rng(5), []
    for _ in range(200):
        times = generator.multinomial(30, np.full(30, 1 / 30))
        drawn = np.repeat(np.arange(30), times)
        scores = [np.mean(o[drawn].sum(0) / u[drawn].sum(0)) for o, u in (first, second)]
        differences.append(scores[1] - scores[0])
    np.testing.assert_allclose([found.low, found.high], np.quantile(differences, [0.025, 0.975]))
    scores = [np.mean(o.sum(0) / u.sum(0)) for o, u in (first, second)]
    np.testing.assert_allclose([found.first, found.second], scores)
    assert float(found.difference) == pytest.approx(scores[1] - scores[0])


def test_of_a_mean_it_is_about_two_standard_errors_to_each_side():
    generator, images = np.random.default_rng(0), 400
    first = generator.normal(0, 1, images)
    second = first + generator.normal(0.1, 0.2, images)
    found = paired_bootstrap([first / images], [second / images], mean_of)
    difference = second - first
    reach = 1.96 * difference.std() / np.sqrt(images)
    np.testing.assert_allclose(
        [found.low, found.high], [difference.mean() - reach, difference.mean() + reach], rtol=0.05
    )
    assert found.excludes_zero


def test_the_same_seed_gives_the_same_interval_in_blocks_of_any_size(monkeypatch):
    def found(seed):
        return paired_bootstrap(counts(0), counts(1), mean_iou_of_counts, samples=300, seed=seed)

    whole, other = found(0), found(1)
    monkeypatch.setattr(bootstrap, "_WEIGHTS_AT_ONCE", 30 * 7)
    assert (found(0).low, found(0).high) == (whole.low, whole.high)
    assert (other.low, other.high) != (whole.low, whole.high)


def test_equal_evaluations_differ_by_nothing():
    found = paired_bootstrap(counts(0), counts(0), mean_iou_of_counts, samples=50)
    assert found.low == found.high == found.difference == 0
    assert not found.excludes_zero


def test_several_scores_at_once_and_samples_without_a_score():
    def class_iou(overlap, union):
        return np.divide(overlap, union, out=np.full(union.shape, np.nan), where=union > 0)

    overlap, union = counts(0, images=4)
    overlap[1:, 1] = union[1:, 1] = 0  # in one image alone: many a sample has none of it
    overlap[:, 2] = union[:, 2] = 0
    found = paired_bootstrap((overlap, union), (overlap // 2, union), class_iou, samples=100)
    assert found.low.shape == (3,)
    for each in (found.low, found.high, found.difference):
        assert np.isnan(each).tolist() == [False, False, True]
    assert found.low[1] == found.high[1] == found.difference[1]
    assert found.excludes_zero.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("second", "options", "message"),
    [
        (counts(0, images=29), {}, r"the shapes \[\(30, 3\), .*\(29, 3\).*the same images"),
        (counts(0), {"samples": 0}, "samples is a whole number of at least 1; received 0"),
        (counts(0), {"samples": 10**11}, "samples is at most 100000; received 100000000000."),
        (counts(0), {"confidence": 95}, "confidence is above 0 and below 1; received 95"),
        (counts(0), {"seed": -1}, "seed is a whole number of at least 0; received -1"),
    ],
)
def test_what_it_cannot_take(second, options, message):
    with pytest.raises(KerassegError, match=message):
        paired_bootstrap(counts(0), second, mean_iou_of_counts, **options)


def test_one_image_cannot_be_resampled():
    with pytest.raises(KerassegError, match="1 images cannot be resampled; give at least 2"):
        paired_bootstrap(counts(0, images=1), counts(1, images=1), mean_iou_of_counts)
