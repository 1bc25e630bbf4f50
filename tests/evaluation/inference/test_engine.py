import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasseg import data
from kerasseg.data import batches
from kerasseg.errors import KerassegError
from kerasseg.evaluation import (
    Predictor,
    Protocol,
    Tally,
    confusion_matrix,
    evaluate,
    evaluate_images,
    predict,
)
from kerasseg.label_set import LabelSet
from tests.data.files import LABELS, write_folder
from tests.evaluation.networks import random_model, reads_green
from tests.evaluation.stages import Stage
from tests.replicas import TWO


def test_a_perfect_model_has_a_diagonal_matrix(tmp_path):
    pairs = write_folder(tmp_path, [(40, 48), (33, 47), (40, 48)])
    batches = data.evaluation_batches(pairs, LABELS, batch_size=2)
    labels = np.concatenate([data.read_pair(pair)[1].ravel() for pair in pairs])
    confusion = confusion_matrix(reads_green(), batches, LABELS)
    assert confusion.dtype == np.int64
    np.testing.assert_array_equal(confusion, np.diag(np.bincount(labels)[:3]))


def test_images_that_are_all_void_add_nothing(tmp_path):
    pairs = write_folder(tmp_path, [(40, 48)] * 3)
    plain = data.evaluation_batches(pairs, LABELS, batch_size=2)
    padded = data.evaluation_batches(pairs, LABELS, batch_size=2, pad_to_multiple=2)
    np.testing.assert_array_equal(
        *(confusion_matrix(reads_green(), batches, LABELS) for batches in (plain, padded))
    )


def test_prediction_is_the_class_of_every_pixel(tmp_path):
    (pair,) = write_folder(tmp_path, [(33, 47)])
    image, label = data.read_pair(pair)
    classes = predict(reads_green(), image)
    assert classes.dtype == np.int32
    np.testing.assert_array_equal(classes[label != 255], label[label != 255])


def test_evaluation_runs_as_inference():
    images = keras.Input((None, None, 3))
    drop = keras.layers.Dropout(0.9)(keras.layers.BatchNormalization()(images))
    model = keras.Model(images, drop)
    ones = tf.data.Dataset.from_tensors((np.ones((1, 4, 4, 3), np.uint8), np.zeros((1, 4, 4))))
    before = [variable.numpy() for variable in model.variables]
    confusion_matrix(model, ones, LABELS)
    predict(model, np.ones((4, 4, 3), np.uint8))
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_the_counts_of_each_image(tmp_path):
    sizes = [(40, 48), (33, 47), (40, 48), (40, 48)]
    pairs = write_folder(tmp_path, sizes)
    batches = data.evaluation_batches(pairs, LABELS, batch_size=2, pad_to_multiple=2, numbered=True)
    found = evaluate_images(wrong_below(10), batches, LABELS)
    plain = data.evaluation_batches(pairs, LABELS, batch_size=3)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(wrong_below(10), plain, LABELS))
    assert sorted(found.numbers) == [0, 1, 2, 3]
    for number, overlap, union, iou in zip(
        found.numbers, found.overlap, found.union, found.image_iou, strict=True
    ):
        image, truth = data.read_pair(pairs[number])
        predicted, seen = predict(wrong_below(10), image), truth != 255
        both = [np.sum(seen & (truth == c) & (predicted == c)) for c in range(3)]
        either = [np.sum(seen & ((truth == c) | (predicted == c))) for c in range(3)]
        np.testing.assert_array_equal(overlap, both)
        np.testing.assert_array_equal(union, either)
        shares = [b / e for b, e in zip(both, either, strict=True) if e]
        assert iou == np.mean(shares)


def test_an_image_of_nothing_but_void_has_no_score():
    images, void = np.zeros((1, 4, 4, 3), np.uint8), np.full((1, 4, 4), 255)
    batches = tf.data.Dataset.from_tensors((images, void, np.array([0])))
    assert np.isnan(evaluate_images(reads_green(), batches, LABELS).image_iou).all()


PROTOCOLS = [Protocol(scales=(0.7, 1), flip=True), Protocol(tile=32), Protocol(tile=64, overlap=32)]


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=["views", "tile32", "tile64"])
@pytest.mark.parametrize("devices", [(), TWO], ids=["one", "two"])
def test_a_split_is_counted_by_any_protocol_on_any_devices(tmp_path, protocol, devices):
    pairs = write_folder(tmp_path, [(40, 48), (33, 75), (40, 48)])
    model = random_model()
    found = evaluate(model, pairs, LABELS, protocol, batch_size=2, devices=devices)
    expected = np.zeros((3, 3), np.int64)
    for image, truth in map(data.read_pair, pairs):
        seen = truth != 255
        np.add.at(expected, (truth[seen], predict(model, image, protocol)[seen]), 1)
    # An average of views may be a tie but for rounding, which batches round differently.
    assert found.confusion.sum() == expected.sum()
    assert abs(found.confusion - expected).sum() <= 4
    assert sorted(found.numbers) == [0, 1, 2]


def test_batches_are_decoded_and_predicted_while_one_is_counted(tmp_path, monkeypatch):
    """Each stage ends only when the one before it has begun the next batch, but for the last."""
    count, decoded, seen, counted = 6, Stage(), Stage(), Stage()
    feed_of, function_of = batches.evaluation_feed, Predictor.batch_function

    def evaluation_feed(*arguments):
        feed, read = feed_of(*arguments)

        def noted(image, label):
            decoded.begin()
            return image, label

        return feed, lambda *one: tuple(tf.py_function(noted, read(*one), (tf.uint8, tf.int32)))

    def batch_function(self, images):
        function = function_of(self, images)

        def classes(batch):
            assert decoded.reaches(min(seen.begin() + 1, count))
            return function(batch)

        return classes

    class Waiting(Tally):
        def add(self, truth, classes, confidence=None):
            assert seen.reaches(min(counted.begin() + 1, count))

    monkeypatch.setattr(batches, "evaluation_feed", evaluation_feed)
    monkeypatch.setattr(Predictor, "batch_function", batch_function)
    pairs = write_folder(tmp_path, [(40, 48)] * count)
    evaluate(reads_green(), pairs, LABELS, batch_size=1, tally=Waiting(LABELS))
    assert (decoded.count, seen.count, counted.count) == (count, count, count)


def test_a_bar_is_shown_on_a_terminal_or_as_is_said(tmp_path, capsys, monkeypatch):
    model, pairs = reads_green(), write_folder(tmp_path, [(40, 48)] * 3)
    for terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        for progress, shown in ((None, terminal), (True, True), (False, False)):
            evaluate(model, pairs, LABELS, batch_size=1, progress=progress)
            assert ("evaluating: 100%" in capsys.readouterr().err) is shown


def test_other_classes_than_the_datas_are_refused(tmp_path):
    pairs = write_folder(tmp_path, [(40, 48)])
    with pytest.raises(KerassegError, match=r"model gives 3 classes and the data have 2 \(a, b"):
        evaluate(random_model(), pairs, LabelSet(("a", "b")))


@pytest.mark.parametrize("protocol", ["whole", Protocol(tile=32)])
def test_one_channel_is_counted_as_two_classes(protocol):
    model, image = (
        random_model(classes=1),
        np.random.default_rng(0).integers(0, 256, (1, 40, 40, 3)),
    )
    image[..., :20, :] = 0  # whose logits are 0, which is class 0
    truth = np.zeros((1, 40, 40), np.int32)
    batches = tf.data.Dataset.from_tensors((image.astype(np.uint8), truth, np.array([0])))
    found = evaluate_images(model, batches, LabelSet(("soil", "leaf")), protocol=protocol)
    positive = predict(model, image[0], protocol).sum()
    np.testing.assert_array_equal(found.confusion, [[1600 - positive, positive], [0, 0]])


def test_a_path_is_predicted_as_its_pixels(tmp_path):
    (pair,) = write_folder(tmp_path, [(33, 47)])
    image, _ = data.read_pair(pair)
    for path in (pair.image, str(pair.image)):
        np.testing.assert_array_equal(predict(random_model(), path), predict(random_model(), image))


def wrong_below(row):
    """`reads_green`, but for rows from `row` on, where everything is class 0."""
    right = reads_green()
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, _Rows(row)(right(inputs)))


class _Rows(keras.layers.Layer):
    def __init__(self, row):
        super().__init__()
        self.row = row

    def call(self, logits):
        below = (tf.range(tf.shape(logits)[1]) >= self.row)[None, :, None, None]
        return tf.where(below, tf.one_hot(tf.zeros(tf.shape(logits)[:3], tf.int32), 3), logits)
