"""What is special of single losses."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import losses
from kerasseg.errors import KerassegError
from kerasseg.evaluation import metrics
from tests.losses.statements import LOSSES, VOID, border_weights, draw, true_probability


def gradient(loss, labels, logits):
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(labels, logits)
    return tape.gradient(value, logits).numpy()


def certain(predicted, classes=4):
    """Logits whose softmax is 1 for one class, in float32 too."""
    return 200 * np.eye(classes, dtype=np.float32)[predicted]


def test_a_gpu_that_has_to_be_deterministic_computes_the_same(monkeypatch):
    """There the fused operation is not to be had; its stand-in runs on a CPU too."""
    labels, logits = draw(3, void_share=0.4)
    logits[labels == VOID] = np.inf
    loss = losses.SegmentationCrossentropy(class_weights=(1, 0, 2, 3))
    value, slopes = float(loss(labels, logits)), gradient(loss, labels, logits)
    monkeypatch.setattr("kerasseg.losses.truth._needs_deterministic_gpu", lambda: True)
    assert float(loss(labels, logits)) == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(gradient(loss, labels, logits), slopes, rtol=1e-5, atol=1e-7)


def test_a_focal_loss_of_gamma_zero_is_the_crossentropy():
    labels, logits = draw(0)
    focal, plain = losses.FocalLoss(0.0), losses.SegmentationCrossentropy()
    assert focal(labels, logits) == plain(labels, logits)
    np.testing.assert_allclose(gradient(focal, labels, logits), gradient(plain, labels, logits))


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("name", ["right", "wrong"])
def test_a_focal_loss_of_a_certain_pixel_has_a_finite_gradient(name, gamma):
    labels = np.zeros((1, 1, 2), int)
    logits = certain(labels if name == "right" else labels + 1)
    slopes = gradient(losses.FocalLoss(gamma), labels, logits)
    assert np.isfinite(slopes).all()
    assert np.abs(slopes).max() == pytest.approx(0.0 if name == "right" else 0.5, abs=1e-6)


def test_ohem_takes_the_hard_pixels_and_no_other():
    labels, logits = draw(1, (2, 8, 8))
    slopes = gradient(losses.OHEMCrossentropy(0.6, min_kept=1), labels, logits)
    hard = (true_probability(labels, logits) <= 0.6) & (labels != VOID)
    assert 0 < hard.sum() < (labels != VOID).sum()
    np.testing.assert_array_equal(np.abs(slopes).sum(-1) > 0, hard)


def test_ohem_keeps_the_minimum_of_each_image():
    labels, logits = draw(1, (3, 8, 8))
    labels[2].flat[5:] = VOID  # an image with fewer pixels than the minimum
    slopes = gradient(losses.OHEMCrossentropy(0.0, min_kept=7), labels, logits)
    taken = np.abs(slopes).sum(-1) > 0
    assert taken.sum(axis=(1, 2)).tolist() == [7, 7, (labels[2] != VOID).sum()]
    for image in (0, 1):
        q = np.where(labels == VOID, 2.0, true_probability(labels, logits))[image]
        assert q[taken[image]].max() < q[~taken[image]].min()


def test_ohem_does_not_count_classes_of_weight_zero():
    labels, logits = draw(1, (1, 8, 8), void_share=0)
    loss = losses.OHEMCrossentropy(0.0, min_kept=5, class_weights=(1, 1, 0, 1))
    taken = np.abs(gradient(loss, labels, logits)).sum(-1) > 0
    assert taken.sum() == 5
    assert not (labels[taken] == 2).any()


def test_ohem_and_lovasz_show_what_is_no_number():
    labels, logits = draw(1, (1, 40, 40))
    logits[labels != VOID] = np.nan
    for loss in (losses.OHEMCrossentropy(min_kept=3), losses.LovaszSoftmax()):
        assert np.isnan(float(loss(labels, logits)))


def test_the_weight_falls_from_the_border_to_one():
    labels = np.array([[[0, 0, 0, 0, 1, VOID, 2]]])
    stated = [1, 1 + 1.5, 1 + 3, 1 + 4.5, 1 + 4.5, 1, 1 + 3]  # the last is two pixels from class 1
    np.testing.assert_allclose(border_weights(labels, 3, 4.5)[0, 0], stated)
    slopes = gradient(losses.BoundaryCrossentropy(3, 4.5), labels, np.zeros((1, 1, 7, 3), "f"))
    of_true = -slopes[0, 0, np.arange(7), np.where(labels == VOID, 0, labels)[0, 0]]
    expected = np.array(stated) * (labels[0, 0] != VOID)
    np.testing.assert_allclose(of_true / of_true[0], expected, rtol=1e-5)


def test_a_border_with_void_is_none():
    labels = np.full((1, 6, 6), VOID)
    labels[:, 2:4, 2:4] = 3
    _, logits = draw(0, (1, 6, 6))
    plain = losses.SegmentationCrossentropy()(labels, logits)
    assert losses.BoundaryCrossentropy()(labels, logits) == plain


def test_dice_leaves_out_a_class_that_does_not_occur():
    labels = np.zeros((1, 2, 2), int)
    assert float(losses.DiceLoss()(labels, certain(labels))) == 0
    half = certain(np.array([[[0, 0], [3, 3]]]))
    # 2 · 2 / (2 + 4) of class 0; class 3 is none of the truth.
    assert float(losses.DiceLoss()(labels, half)) == pytest.approx(1 - 4 / 6)


def test_lovasz_of_certain_predictions_is_one_minus_the_mean_iou():
    generator = np.random.default_rng(3)
    labels, predicted = generator.integers(0, 4, (2, 2, 9, 9))
    matrix = np.zeros((4, 4), int)
    np.add.at(matrix, (labels.ravel(), predicted.ravel()), 1)
    loss = losses.LovaszSoftmax(per_image=False)
    expected = 1 - metrics.mean_iou(matrix)
    assert float(loss(labels, certain(predicted))) == pytest.approx(expected, rel=1e-5)


def test_the_slopes_of_lovasz_are_exact_in_large_images():
    """Differences of the Jaccard loss itself would be lost in the rounding of float32."""
    labels = np.zeros((1, 512, 512), int)
    labels[0, :256] = 1
    logits = np.random.default_rng(0).normal(size=(1, 512, 512, 2)).astype(np.float32)
    errors = 1 / (1 + np.exp(np.where(labels, -1, 1) * (logits[..., 0] - logits[..., 1])))
    order = np.argsort(-errors.ravel().astype(np.float64))
    expected = 0.0
    for number in (0, 1):
        truth = (labels.ravel() == number)[order]
        wrong = np.arange(1, truth.size + 1)
        jaccard = wrong / (truth.sum() + np.cumsum(~truth))
        expected += 0.5 * (errors.ravel()[order] * np.diff(jaccard, prepend=0)).sum()
    assert float(losses.LovaszSoftmax()(labels, logits)) == pytest.approx(expected, rel=1e-5)


def test_an_image_of_void_does_not_count_as_one():
    labels, logits = draw(2)
    labels[1] = VOID
    loss = losses.LovaszSoftmax()
    alone = float(loss(labels[:1], logits[:1]))
    assert float(loss(labels, logits)) == pytest.approx(alone, rel=1e-6)


def test_a_sum_is_that_of_its_parts():
    labels, logits = draw(2)
    parts = [losses.FocalLoss(), losses.DiceLoss(), losses.BoundaryCrossentropy(width=1)]
    whole = losses.WeightedSum([*parts[:1], losses.WeightedSum(parts[1:], (1, 3))], (0.5, 2))
    each = [float(part(labels, logits)) for part in parts]
    assert float(whole(labels, logits)) == pytest.approx(np.dot(each, (0.5, 2, 6)), rel=1e-6)
    assert float(losses.WeightedSum(parts)(labels, logits)) == pytest.approx(sum(each), rel=1e-6)


BAD = {
    "gamma is a finite number of at least 0; received -1": lambda: losses.FocalLoss(-1),
    "threshold is a probability within 0..1; received 7": lambda: losses.OHEMCrossentropy(7),
    "min_kept is a whole number of at least 1; received 0.5": lambda: losses.OHEMCrossentropy(
        min_kept=0.5
    ),
    "width is a whole number of at least 1; received 0": lambda: losses.BoundaryCrossentropy(0),
    "weight is a finite number of at least 0; received nan": lambda: losses.BoundaryCrossentropy(
        weight=float("nan")
    ),
    "received 0 losses and 0 weights": lambda: losses.WeightedSum([]),
    "received 1 losses and 2 weights": lambda: losses.WeightedSum([losses.DiceLoss()], (1, 2)),
    "each of weights is a finite number of at least 0; received -1.0": lambda: losses.WeightedSum(
        [losses.DiceLoss()], [-1]
    ),
    "takes the losses of kerasseg.losses; received": lambda: losses.WeightedSum(
        [keras.losses.MeanSquaredError()]
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_a_bad_argument_is_named(message):
    with pytest.raises(KerassegError, match=message):
        BAD[message]()


def test_the_sums_of_dice_are_exact_in_large_images():
    labels, logits = draw(0, (2, 512, 512))
    stated = LOSSES["DiceLoss"][1](labels, logits)
    assert float(losses.DiceLoss()(labels, logits)) == pytest.approx(stated, rel=1e-5)
