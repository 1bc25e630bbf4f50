import sys

import keras
import numpy as np
import pytest

from kerasseg import predict
from kerasseg.data import find_pairs
from kerasseg.errors import KerassegError
from kerasseg.evaluation import ArrayReader, DenseCRF, Predictor, Protocol, evaluate
from kerasseg.evaluation.inference.dense_crf import LEAST_PROBABILITY
from kerasseg.evaluation.inference.protocol import name_of
from tests.data.files import LABELS, write_folder
from tests.evaluation.networks import random_image, random_model, reads_green


def halves(height=16, width=20, noise=10):
    """A photo of a dark and a bright half."""
    image = np.full((height, width, 3), 40.0)
    image[:, width // 2 :] = 180
    return image + np.random.default_rng(0).normal(0, noise, image.shape)


def mean_field(crf, image, probabilities):
    """Algorithm 1 of the paper with exact sums, and kernels normalised on both sides."""
    places = np.stack(np.mgrid[: image.shape[0], : image.shape[1]], -1).reshape(-1, 2)
    colours = image.reshape(-1, 3) / crf.colour_deviation
    kernels = []
    for weight, features in (
        (crf.smoothness_weight, places / crf.smoothness_deviation),
        (crf.bilateral_weight, np.hstack([places / crf.bilateral_deviation, colours])),
    ):
        kernel = np.exp(-((features[:, None] - features[None]) ** 2).sum(-1) / 2)
        norm = kernel.sum(1) ** -0.5
        kernels.append(weight * norm[:, None] * kernel * norm)
    logs = np.log(np.maximum(probabilities.reshape(len(places), -1), LEAST_PROBABILITY))
    found = np.exp(logs) / np.exp(logs).sum(1, keepdims=True)
    for _ in range(crf.steps):
        # Of Potts' model: what the neighbours say of a class speaks for it.
        scores = np.exp(logs + sum(kernel @ found for kernel in kernels))
        found = scores / scores.sum(1, keepdims=True)
    return found.reshape(probabilities.shape)


@pytest.mark.parametrize(
    "crf",
    [
        DenseCRF(steps=1),
        DenseCRF(steps=3, bilateral_weight=0),
        DenseCRF(steps=3, smoothness_weight=0, colour_deviation=30),
        DenseCRF(steps=2, bilateral_deviation=5, colour_deviation=60),
    ],
    ids=lambda crf: crf.name,
)
def test_the_mean_field_is_that_of_the_paper(crf):
    # The lattice of the library is approximate: it may be off by 0.01 on average, and by a fifth of
    # what the updates change.
    image = halves()
    given = np.random.default_rng(1).dirichlet(np.ones(3), image.shape[:2])
    expected, found = mean_field(crf, image, given), crf.refine(image, given)
    assert found.dtype == np.float32
    change, error = np.abs(expected - given).mean(), np.abs(found - expected).mean()
    assert change > 0.02
    assert error < min(0.01, change / 5)
    assert np.mean(found.argmax(-1) == expected.argmax(-1)) > 0.97
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)


def test_noise_is_removed_and_edges_stay_where_the_colour_changes():
    image = halves(40, 48)
    truth = np.repeat([[0, 1]], 24, axis=1).repeat(40, axis=0)
    wrong = np.random.default_rng(2).random(truth.shape) < 0.2
    right = np.where(wrong, 0.2, 0.8)
    given = np.where(truth == 1, right, 1 - right)
    found = DenseCRF().refine(image, np.stack([1 - given, given], axis=-1)).argmax(-1)
    assert 0.15 < np.mean((given > 0.5) != truth) < 0.25
    np.testing.assert_array_equal(found, truth)


def test_without_weights_the_probabilities_stay():
    given = np.random.default_rng(3).dirichlet(np.ones(4), (9, 7)).astype(np.float32)
    crf = DenseCRF(smoothness_weight=0, bilateral_weight=0)
    np.testing.assert_allclose(crf.refine(random_image(9, 7), given), given, atol=1e-5)


@pytest.mark.parametrize("protocol", [{}, {"scales": (0.5, 1)}, {"tile": 32, "overlap": 0}])
def test_it_refines_the_averaged_probabilities_of_the_whole_image(protocol):
    model, image, crf = random_model(), random_image(40, 56), DenseCRF(steps=2)
    plain = predict(model, image, Protocol(**protocol), probabilities=True)
    expected = crf.refine(image, plain)
    found = predict(model, image, Protocol(**protocol, crf=crf), probabilities=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    classes = predict(model, image, Protocol(**protocol, crf=crf))
    assert classes.dtype == np.int32
    np.testing.assert_array_equal(classes, found.argmax(-1))
    assert np.any(classes != plain.argmax(-1))


def test_a_model_of_one_channel_has_two_classes():
    images = keras.Input((None, None, 3))
    logit = keras.layers.Conv2D(1, 5, padding="same", name="logits", kernel_initializer="ones")
    model = keras.Model(images, logit(keras.layers.Rescaling(1 / 4000, -0.03)(images)))
    image, crf = random_image(33, 40), DenseCRF(steps=2)
    plain = predict(model, image, probabilities=True)
    expected = crf.refine(image, np.dstack([1 - plain, plain]))[..., 1]
    found = predict(model, image, Protocol(crf=crf), probabilities=True)[..., 0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(predict(model, image, Protocol(crf=crf)), found > 0.5)


def test_evaluation_counts_the_refined_classes(tmp_path):
    write_folder(tmp_path, [(40, 48), (40, 48), (33, 64)], split="val")
    pairs = find_pairs(tmp_path, "val")
    model, protocol = reads_green(), Protocol(crf=DenseCRF(steps=2, smoothness_weight=30))
    found = evaluate(model, pairs, LABELS, protocol, batch_size=2)
    by_hand = np.zeros_like(found.confusion)
    from kerasseg.data import read_pair

    for pair in pairs:
        _, truth = read_pair(pair)
        valid = truth != LABELS.ignore_label
        np.add.at(by_hand, (truth[valid], predict(model, pair.image, protocol)[valid]), 1)
    np.testing.assert_array_equal(found.confusion, by_hand)
    assert np.any(found.confusion != evaluate(model, pairs, LABELS).confusion)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps is a whole number of 1 to 1000; received 0"),
        ({"steps": 2.0}, r"received 2\.0"),
        ({"steps": True}, "received True"),
        ({"smoothness_weight": -1}, "smoothness_weight is a number of at least 0; received -1"),
        ({"bilateral_weight": float("nan")}, "received nan"),
        ({"smoothness_deviation": 0}, "smoothness_deviation is a number above 0; received 0"),
        ({"bilateral_deviation": "wide"}, "bilateral_deviation is a number above 0; received 'w"),
        ({"colour_deviation": float("inf")}, "colour_deviation is a number above 0; received inf"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(KerassegError, match=message):
        DenseCRF(**arguments)


def test_what_does_not_fit_is_refused():
    with pytest.raises(KerassegError, match=r"received \(4, 5, 3\) and \(5, 4, 2\)"):
        DenseCRF().refine(np.zeros((4, 5, 3)), np.ones((5, 4, 2)))
    with pytest.raises(KerassegError, match="two classes or more"):
        DenseCRF().refine(np.zeros((4, 5, 3)), np.ones((4, 5, 1)))
    with pytest.raises(KerassegError, match="crf is a DenseCRF or None; received True"):
        Protocol(crf=True)
    predictor = Predictor(random_model(), Protocol(tile=32, crf=DenseCRF()))
    with pytest.raises(KerassegError, match="a dense CRF sees the whole image, and by windows"):
        next(predictor.bands(ArrayReader(random_image(40, 40))))


def test_a_library_that_is_missing_is_named_before_anything_is_computed(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydensecrf", None)
    model, protocol = random_model(), Protocol(crf=DenseCRF())
    for use in (
        lambda: Predictor(model, protocol),
        lambda: predict(model, random_image(9, 9), protocol),
    ):
        with pytest.raises(KerassegError, match=r'pip install "kerasseg\[crf\]"'):
            use()
    predict(model, random_image(9, 9))
    with pytest.raises(KerassegError, match="needs the package pydensecrf2"):
        predict(model, random_image(9, 9), protocol)


def test_it_is_part_of_the_protocols_name_and_description():
    plain, refined = Protocol(flip=True), Protocol(flip=True, crf=DenseCRF(colour_deviation=3))
    assert "crf" not in plain.to_json()
    assert refined.to_json()["crf"]["colour_deviation"] == 3
    assert name_of(refined) == name_of(plain) + "-crf-colour-deviation3"
